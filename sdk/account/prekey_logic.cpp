#include "sdk/account/prekey_logic.hpp"

namespace melder::sdk {

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
    make.rotate =
        !signed_ || server.signed_prekey_id != signed_->id || now - signed_->made_at >= limits::signed_prekey_rotation;
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
    if (signed_id) signed_ = SignedPrekeyAge{*signed_id, now};
}

void PrekeyLogic::on_disconnected() {
    connected_ = false;
    asking_ = false;
    uploading_ = false;
}

PrekeyLogic::Actions PrekeyLogic::on_tick(UnixTime now, BootTime boot) {
    const bool due = !asked_at_ || boot - *asked_at_ >= limits::prekey_check_interval;
    // The rotation is decided on the digest's answer; asking again before half an hour has passed would be a loop.
    const bool old = signed_ && now - signed_->made_at >= limits::signed_prekey_rotation && asked_at_ &&
                     boot - *asked_at_ >= std::chrono::minutes(30);
    if (due || old) return ask(boot);
    return {};
}

}  // namespace melder::sdk
