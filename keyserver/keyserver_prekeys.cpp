// Prekeys: upload, take, digest (DESIGN §5).

#include <unordered_set>

#include "keyserver/keyserver.hpp"
#include "keyserver/prekey_digest.hpp"
#include "keyserver/store_calls.hpp"

namespace melder::keyserver {
namespace {

Result<ByteArray<33>> djb_key(const std::string& bytes) {
    MELDER_CHECK(parse_djb_key(view(bytes)));
    return to_array<33>(view(bytes));
}

Result<server::PrekeyPut> put_from(const EnrolmentId& device, const X25519Public& identity_key,
                                   const wire::PrekeyUpload& upload) {
    server::PrekeyPut put;
    put.device = device;
    put.replace_all = upload.replace_all();
    if (static_cast<std::size_t>(upload.one_time_size()) > limits::one_time_prekeys) return Errc::too_large;
    if (upload.has_signed_prekey()) {
        const auto& message = upload.signed_prekey();
        auto& prekey = put.signed_prekey.emplace();
        if (message.id() == 0) return Errc::malformed;
        prekey.id = message.id();
        MELDER_TRY(prekey.public_key, djb_key(message.public_key()));
        MELDER_TRY(prekey.signature, to_array<64>(view(message.signature())));
        MELDER_CHECK(verify_xeddsa(identity_key, prekey.public_key, prekey.signature));
    }
    std::unordered_set<std::uint32_t> seen;
    for (const auto& message : upload.one_time()) {
        if (message.id() == 0 || !seen.insert(message.id()).second) return Errc::malformed;
        MELDER_TRY(const auto key, djb_key(message.public_key()));
        put.one_time.push_back({message.id(), key});
    }
    return put;
}

void fill_bundle(const server::TakeResult& taken, wire::PrekeyBundle& bundle) {
    auto& signed_prekey = *bundle.mutable_signed_prekey();
    signed_prekey.set_id(taken.signed_prekey->id);
    signed_prekey.set_public_key(to_string(taken.signed_prekey->public_key));
    signed_prekey.set_signature(to_string(taken.signed_prekey->signature));
    if (taken.one_time) {
        bundle.mutable_one_time()->set_id(taken.one_time->id);
        bundle.mutable_one_time()->set_public_key(to_string(taken.one_time->public_key));
    } else {
        bundle.set_without_one_time(true);
    }
}

/// Told at 99 left, then at every tenth: a notice a take would be a flood.
bool worth_a_notice(std::uint32_t remaining) {
    return remaining < limits::one_time_refill_below && remaining % 10 == 9;
}

}  // namespace

Result<void> Keyserver::upload_prekeys(const server::Peer& peer, const wire::UploadPrekeys& request) {
    const auto device = view_.find(peer.device);
    if (!device || !device->bound) return Errc::unknown_device;
    MELDER_TRY(auto put, put_from(peer.device, device->identity_key, request.upload()));
    MELDER_TRY(const auto count, wait_for<std::uint32_t>([&](auto executor, auto done) {
                   store_.put_prekeys(std::move(put), executor, done);
               }));
    note_prekey_level(peer.device, count);
    return ok();
}

void Keyserver::note_prekey_level(const EnrolmentId& device, std::uint32_t one_time_count) const {
    const std::lock_guard lock(levels_mutex_);
    levels_[device] = one_time_count;
}

std::optional<std::uint32_t> Keyserver::prekey_level(const EnrolmentId& device) const {
    const std::lock_guard lock(levels_mutex_);
    const auto found = levels_.find(device);
    return found == levels_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::vector<wire::Bundles>> Keyserver::take_bundles(const server::Peer& peer, const wire::TakeBundles& request) {
    const auto count = static_cast<std::size_t>(request.devices_size());
    if (count == 0) return Errc::malformed;
    if (count > limits::bundles_per_request) return Errc::too_large;

    // Everything that can be refused is refused before the store is asked for keys.
    std::vector<wire::BundleResult> results(count);
    std::vector<server::TakeItem> items;
    std::vector<std::size_t> positions;
    const auto now = clock_.wall();
    for (std::size_t i = 0; i < count; ++i) {
        auto& result = results[i];
        result.set_device(request.devices(static_cast<int>(i)));
        MELDER_TRY(const auto target, EnrolmentId::from(std::string_view(result.device())));
        const auto device = view_.find(target);
        if (!device || device->app != peer.app) {
            result.set_code(static_cast<std::uint32_t>(Errc::unknown_device));
        } else if (device->standing == DeviceStanding::replaced) {
            result.set_code(static_cast<std::uint32_t>(Errc::device_replaced));
        } else if (device->standing != DeviceStanding::active) {
            result.set_code(static_cast<std::uint32_t>(Errc::device_revoked));
        } else if (!device->active_at(now)) {
            result.set_code(static_cast<std::uint32_t>(device->bound ? Errc::credential_expired : Errc::no_prekeys));
        } else if (!hands_out_prekeys()) {
            result.set_code(static_cast<std::uint32_t>(Errc::server_restored));
            result.set_retry_after_ms(static_cast<std::uint32_t>(Millis(limits::restored_retry).count()));
        } else {
            const std::lock_guard lock(limiter_mutex_);
            const auto decision = limiter_.on_take(peer.device, target, clock_.boot());
            if (decision.retry_after > Millis(0)) {
                result.set_code(static_cast<std::uint32_t>(Errc::rate_limited));
                result.set_retry_after_ms(static_cast<std::uint32_t>(decision.retry_after.count()));
            } else {
                items.push_back({target, decision.one_time});
                positions.push_back(i);
            }
        }
    }
    if (!items.empty()) {
        MELDER_TRY(const auto taken, wait_for<std::vector<server::TakeResult>>([&](auto executor, auto done) {
                       store_.take_prekeys(items, limits::one_time_reserve, executor, done);
                   }));
        for (std::size_t i = 0; i < taken.size(); ++i) {
            auto& result = results[positions[i]];
            if (!taken[i].signed_prekey) {
                result.set_code(static_cast<std::uint32_t>(taken[i].code));
                continue;
            }
            fill_bundle(taken[i], *result.mutable_bundle());
            note_prekey_level(items[i].device, taken[i].remaining);
            if (taken[i].one_time && worth_a_notice(taken[i].remaining) && on_prekeys_low) {
                on_prekeys_low(items[i].device, taken[i].remaining);
            }
        }
    }

    std::vector<wire::Bundles> pages;
    for (std::size_t i = 0; i < count; ++i) {
        if (i % limits::bundles_per_page == 0) pages.emplace_back();
        *pages.back().add_results() = std::move(results[i]);
    }
    for (std::size_t i = 0; i + 1 < pages.size(); ++i)
        pages[i].set_more(true);
    return pages;
}

Result<wire::PrekeyDigest> Keyserver::check_prekeys(const server::Peer& peer) const {
    MELDER_TRY(const auto stock, wait_for<server::PrekeyStock>([&](auto executor, auto done) {
                   store_.load_prekeys(peer.device, executor, done);
               }));
    note_prekey_level(peer.device, static_cast<std::uint32_t>(stock.one_time.size()));
    wire::PrekeyDigest reply;
    reply.set_signed_prekey_id(stock.signed_prekey_id);
    reply.set_one_time_count(static_cast<std::uint32_t>(stock.one_time.size()));
    reply.set_sha256(prekey_digest(stock.one_time).string());
    return reply;
}

}  // namespace melder::keyserver
