#include "server/link/login.hpp"

#include "proto/link.pb.h"

namespace melder::server {
namespace {

Bytes transcript(Context context, const LoginBinding& binding, std::string_view body) {
    return login_transcript(context, binding.exporter, view(binding.hello), view(body));
}

}  // namespace

Result<VerifiedLogin> verify_login(LoginAuthority& authority, const LoginBinding& binding, const wire::Login& login) {
    MELDER_TRY(auto device, authority.find_device(view(login.body())));
    const auto input = transcript(Context::login, binding, login.body());
    if (verify_p256(device.login_key, input, view(login.signature())).has_error()) return Errc::login_refused;
    authority.on_device_proved(view(login.body()));
    return VerifiedLogin{.peer = std::move(device.peer),
                         .login_key = device.login_key,
                         .body = to_bytes(view(login.body())),
                         .unknown = device.unknown};
}

Result<VerifiedLogin> verify_login(LoginAuthority& authority, const LoginBinding& binding,
                                   const wire::AdminLogin& login) {
    MELDER_TRY(auto admin, authority.find_admin(view(login.body())));
    const auto input = transcript(Context::admin_login, binding, login.body());
    if (verify_ed25519(admin.key, input, view(login.signature())).has_error()) return Errc::login_refused;
    return VerifiedLogin{.peer = std::move(admin.peer),
                         .login_key = std::nullopt,
                         .body = to_bytes(view(login.body())),
                         .unknown = false};
}

Result<Peer> judge_again(LoginAuthority& authority, const VerifiedLogin& login) {
    if (!login.login_key.has_value()) {
        MELDER_TRY(auto admin, authority.find_admin(login.body));
        return std::move(admin.peer);
    }
    MELDER_TRY(auto device, authority.find_device(login.body));
    if (device.login_key != *login.login_key) return Errc::login_refused;
    return std::move(device.peer);
}

Result<Bytes> verify_enrolment(LoginAuthority& authority, const LoginBinding& binding, const wire::Enrol& request) {
    MELDER_TRY(const auto key, authority.find_enrolment_key(view(request.body())));
    const auto input = transcript(Context::enrol, binding, request.body());
    if (verify_ed25519(key, input, view(request.signature())).has_error()) {
        // The id comes from the code alone, so whoever named it holds that; the key takes the second part as well.
        authority.on_enrolment_refused(view(request.body()), Errc::second_part_wrong);
        return Errc::second_part_wrong;
    }
    return to_bytes(view(request.body()));
}

}  // namespace melder::server
