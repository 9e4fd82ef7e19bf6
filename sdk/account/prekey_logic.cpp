#include "sdk/account/prekey_logic.hpp"

#include <algorithm>

namespace melder::sdk {

namespace {
constexpr auto replaced_kept = limits::ttl_longest + std::chrono::hours(24);
}

const PrekeyLogic::SignedPrekeyAge* PrekeyLogic::current() const {
    const auto found = std::ranges::find_if(signed_, [](const auto& key) { return !key.replaced_at; });
    return found == signed_.end() ? nullptr : &*found;
}

PrekeyLogic::Actions PrekeyLogic::ask(BootTime now) {
    if (asking_ || uploading_ || !connected_) return {};
    asking_ = true;
    asked_at_ = now;
    return {AskDigest{}};
}

PrekeyLogic::Actions PrekeyLogic::on_connected(BootTime now) {
    connected_ = true;
    return ask(now);
}

PrekeyLogic::Actions PrekeyLogic::on_low(BootTime now) {
    return ask(now);
}

PrekeyLogic::Actions PrekeyLogic::on_digest(const Digest& server, const DigestOf& own, UnixTime now) {
    asking_ = false;
    if (uploading_) return {};
    MakePrekeys make;
    // By id, since a signed prekey whose upload failed lies beside the one in use.
    const auto key = std::ranges::find_if(
        signed_, [&](const auto& mine) { return mine.id == server.signed_prekey_id && !mine.replaced_at; });
    make.rotate = key == signed_.end() || now - key->made_at >= limits::signed_prekey_rotation;
    const auto expected = own(server.one_time_count);
    if (!expected || *expected != server.hash) {
        make.replace_all = true;
        make.one_time = limits::one_time_prekeys;
    } else if (server.one_time_count < limits::one_time_refill_below) {
        make.one_time = limits::one_time_prekeys - server.one_time_count;
    }
    if (!make.rotate && make.one_time == 0) return {};
    uploading_ = true;
    return {make};
}

void PrekeyLogic::on_uploaded(std::optional<std::uint32_t> signed_id, UnixTime now) {
    uploading_ = false;
    if (!signed_id) return;
    for (auto& key : signed_) {
        if (!key.replaced_at) key.replaced_at = now;
    }
    signed_.push_back({*signed_id, now, std::nullopt});
}

void PrekeyLogic::on_disconnected() {
    connected_ = false;
    asking_ = false;
    uploading_ = false;
}

PrekeyLogic::Actions PrekeyLogic::on_tick(UnixTime now, BootTime boot) {
    Actions out;
    std::erase_if(signed_, [&](const auto& key) {
        if (!key.replaced_at || now - *key.replaced_at < replaced_kept) return false;
        out.emplace_back(EraseSignedPrekey{key.id});
        return true;
    });
    const auto* key = current();
    const bool due = !asked_at_ || boot - *asked_at_ >= limits::prekey_check_interval;
    // The rotation is decided on the digest's answer; asking again before half an hour has passed would be a loop.
    const bool old = key != nullptr && now - key->made_at >= limits::signed_prekey_rotation && asked_at_ &&
                     boot - *asked_at_ >= std::chrono::minutes(30);
    if (due || old) std::ranges::move(ask(boot), std::back_inserter(out));
    return out;
}

}  // namespace melder::sdk
