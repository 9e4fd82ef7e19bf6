#include "tests/interop/speaker.hpp"

#include <boost/json/src.hpp>

#include "sdk/crypto/fingerprint.hpp"
#include "sdk/crypto/message_shape.hpp"
#include "tests/sdk/crypto/memory_session_store.hpp"

namespace melder::interop {
namespace {

namespace json = boost::json;
using sdk::testing::MemorySessionStore;

/// What a request did wrong, for the person who reads the reply.
struct BadRequest {
    std::string text;
};

std::string text_field(const json::object& request, std::string_view name) {
    const auto* value = request.if_contains(name);
    if (value == nullptr || !value->is_string())
        throw BadRequest{"the field " + std::string(name) + " must be a string"};
    return std::string(value->get_string());
}
std::uint32_t number_field(const json::object& request, std::string_view name) {
    const auto* value = request.if_contains(name);
    if (value == nullptr || !value->is_int64() || value->get_int64() < 0 || value->get_int64() > UINT32_MAX) {
        throw BadRequest{"the field " + std::string(name) + " must be a number"};
    }
    return static_cast<std::uint32_t>(value->get_int64());
}
bool flag_field(const json::object& request, std::string_view name, bool otherwise) {
    const auto* value = request.if_contains(name);
    if (value == nullptr) return otherwise;
    if (!value->is_bool()) throw BadRequest{"the field " + std::string(name) + " must be true or false"};
    return value->get_bool();
}

template <class T>
T need(Result<T> result) {
    if (result.has_error()) throw BadRequest{result.error().message()};
    return std::move(result).value();
}

Bytes bytes_field(const json::object& request, std::string_view name) {
    return need(from_base64(text_field(request, name)));
}
X25519Public public_key_field(const json::object& request, std::string_view name) {
    return need(parse_djb_key(bytes_field(request, name)));
}
X25519KeyPair key_pair_fields(const json::object& request, std::string_view public_name,
                              std::string_view private_name) {
    X25519KeyPair pair{public_key_field(request, public_name),
                       need(X25519Private::from(bytes_field(request, private_name)))};
    if (x25519_public_of(pair.private_key) != pair.public_key)
        throw BadRequest{"public and private key do not belong together"};
    return pair;
}
std::string encode(const X25519Public& key) {
    return to_base64(to_djb_key(key));
}

}  // namespace

struct Speaker::State {
    /// An account: new with `init` and `load`.
    struct Account {
        explicit Account(Random& random) : store(random), layer(store, random) {}
        MemorySessionStore store;
        sdk::SessionLayer layer;
        std::map<EnrolmentId, std::uint32_t> registration_ids;  ///< of known peers
        std::uint32_t newest_signed_prekey = 0;
        std::uint32_t last_one_time_prekey = 0;
    };

    Account& need_account() {
        if (!account) throw BadRequest{"init or load comes first"};
        return *account;
    }

    /// Peers have names here; to the session layer they are devices.
    static EnrolmentId device_of(const json::object& request) {
        const auto name = text_field(request, "peer");
        const auto device = std::to_string(number_field(request, "device"));
        const auto hash = sha256(length_prefixed({view(name), view(device)}));
        return need(EnrolmentId::from(hash.view().first(EnrolmentId::size_bytes)));
    }
    sdk::CertifiedPeer known_peer(const EnrolmentId& device) {
        const auto found = need_account().store.identities.find(device);
        if (found == need_account().store.identities.end()) throw BadRequest{"this peer is not known"};
        return {device, found->second, need_account().registration_ids[device]};
    }

    static sdk::CertifiedPeer stranger(const EnrolmentId& device, const sdk::PrekeyMessageShape& message) {
        return {device, message.identity_key, message.registration_id};
    }

    json::object init(const json::object& request);
    json::object load(const json::object& request);
    json::object make_bundle(const json::object& request);
    json::object process_bundle(const json::object& request);
    json::object encrypt(const json::object& request);
    json::object decrypt(const json::object& request);
    json::object sign(const json::object& request);
    json::object verify(const json::object& request);
    json::object fingerprint(const json::object& request);
    json::object run(const json::object& request);

    void add_signed_prekey(Account& to, std::uint32_t id) {
        sdk::SignedPrekeyPair prekey{generate_x25519(random), {}, 0};
        prekey.signature = sign_xeddsa(to.store.identity.private_key, to_djb_key(prekey.keys.public_key), random);
        to.store.signed_prekeys.insert_or_assign(id, std::move(prekey));
        to.newest_signed_prekey = id;
    }

    Random& random = system_random();
    std::unique_ptr<Account> account;
};

json::object Speaker::State::init(const json::object& request) {
    static_cast<void>(text_field(request, "name"));
    if (const auto device = number_field(request, "device"); device < 1 || device > 127)
        throw BadRequest{"device is 1..127"};
    auto fresh = std::make_unique<Account>(random);
    fresh->store.registration_id = static_cast<std::uint32_t>(1 + random.below(16380));
    account = std::move(fresh);
    return {{"implementation", "melder"}, {"identityKey", encode(account->store.identity.public_key)}};
}

json::object Speaker::State::load(const json::object& request) {
    auto fresh = std::make_unique<Account>(random);
    auto& store = fresh->store;
    store.registration_id = number_field(request, "registrationId");
    store.identity = key_pair_fields(request, "identityPublic", "identityPrivate");
    const auto id = number_field(request, "signedPreKeyId");
    sdk::SignedPrekeyPair prekey{key_pair_fields(request, "signedPreKeyPublic", "signedPreKeyPrivate"), {}, 0};
    prekey.signature = need(to_array<64>(bytes_field(request, "signedPreKeySignature")));
    store.signed_prekeys.emplace(id, std::move(prekey));
    fresh->newest_signed_prekey = id;
    if (request.contains("preKeyId")) {
        fresh->last_one_time_prekey = number_field(request, "preKeyId");
        store.one_time.emplace(fresh->last_one_time_prekey, key_pair_fields(request, "preKeyPublic", "preKeyPrivate"));
    }
    account = std::move(fresh);
    return {};
}

json::object Speaker::State::make_bundle(const json::object& request) {
    if (flag_field(request, "kyber", false)) throw BadRequest{"kyber prekeys are unsupported: Melder speaks version 3"};
    auto& own = need_account();
    if (own.newest_signed_prekey == 0) add_signed_prekey(own, 1);
    const auto& prekey = own.store.signed_prekeys.at(own.newest_signed_prekey);
    json::object bundle{
        {"registrationId", own.store.registration_id},          {"deviceId", 1},
        {"identityKey", encode(own.store.identity.public_key)}, {"signedPreKeyId", own.newest_signed_prekey},
        {"signedPreKey", encode(prekey.keys.public_key)},       {"signedPreKeySignature", to_base64(prekey.signature)}};
    if (flag_field(request, "otpk", true)) {
        const auto id = ++own.last_one_time_prekey;
        const auto& pair = own.store.one_time.insert_or_assign(id, generate_x25519(random)).first->second;
        bundle["preKeyId"] = id;
        bundle["preKey"] = encode(pair.public_key);
    }
    return {{"bundle", std::move(bundle)}};
}

json::object Speaker::State::process_bundle(const json::object& request) {
    const auto* value = request.if_contains("bundle");
    if (value == nullptr || !value->is_object()) throw BadRequest{"the field bundle must be an object"};
    const auto& bundle = value->get_object();
    const sdk::CertifiedPeer peer{device_of(request), public_key_field(bundle, "identityKey"),
                                  number_field(bundle, "registrationId")};
    sdk::ReceivedBundle received{number_field(bundle, "signedPreKeyId"),
                                 bytes_field(bundle, "signedPreKey"),
                                 bytes_field(bundle, "signedPreKeySignature"),
                                 std::nullopt,
                                 {}};
    if (bundle.contains("preKeyId")) {
        received.one_time_prekey_id = number_field(bundle, "preKeyId");
        received.one_time_prekey = bytes_field(bundle, "preKey");
    }
    auto& own = need_account();
    own.store.commit(need(own.layer.process_bundle(peer, received)));
    own.registration_ids[peer.device] = peer.registration_id;
    return {};
}

json::object Speaker::State::encrypt(const json::object& request) {
    auto& own = need_account();
    const auto plaintext = bytes_field(request, "plaintext");
    auto sent = need(own.layer.encrypt(known_peer(device_of(request)), plaintext));
    own.store.commit(std::move(sent.writes));
    return {{"type", sent.type == sdk::InnerType::prekey ? "prekey" : "signal"}, {"body", to_base64(sent.message)}};
}

json::object Speaker::State::decrypt(const json::object& request) {
    auto& own = need_account();
    const auto type = text_field(request, "type");
    const auto body = bytes_field(request, "body");
    const auto device = device_of(request);
    if (type != "prekey" && type != "signal") throw BadRequest{"type is prekey or signal"};
    const auto inner = type == "prekey" ? sdk::InnerType::prekey : sdk::InnerType::signal;
    // The first message of an unknown peer brings the identity that stands for a certified one here.
    const auto peer = own.store.identities.contains(device) || inner == sdk::InnerType::signal
                          ? known_peer(device)
                          : stranger(device, need(sdk::check_prekey_message(body)));
    auto opened = need(own.layer.decrypt(peer, inner, body));
    own.store.commit(std::move(opened.writes));
    own.registration_ids[device] = peer.registration_id;
    return {{"plaintext", to_base64(opened.plaintext.expose())}};
}

json::object Speaker::State::sign(const json::object& request) {
    const auto message = bytes_field(request, "message");
    return {{"signature", to_base64(sign_xeddsa(need_account().store.identity.private_key, message, random))}};
}

json::object Speaker::State::verify(const json::object& request) {
    const auto verified = verify_xeddsa(public_key_field(request, "identityKey"), bytes_field(request, "message"),
                                        bytes_field(request, "signature"));
    return {{"valid", verified.has_value()}};
}

json::object Speaker::State::fingerprint(const json::object& request) {
    if (number_field(request, "version") != 2) throw BadRequest{"only fingerprint version 2 is supported"};
    const auto local_id = text_field(request, "localId");
    const auto remote_id = text_field(request, "remoteId");
    const auto local = request.contains("localIdentityKey") ? public_key_field(request, "localIdentityKey")
                                                            : need_account().store.identity.public_key;
    return {{"displayable", sdk::fingerprint_of({view(local_id), {local}},
                                                {view(remote_id), {public_key_field(request, "remoteIdentityKey")}},
                                                number_field(request, "iterations"))}};
}

json::object Speaker::State::run(const json::object& request) {
    const auto command = text_field(request, "cmd");
    if (command == "init") return init(request);
    if (command == "load") return load(request);
    if (command == "make-bundle") return make_bundle(request);
    if (command == "process-bundle") return process_bundle(request);
    if (command == "encrypt") return encrypt(request);
    if (command == "decrypt") return decrypt(request);
    if (command == "sign") return sign(request);
    if (command == "verify") return verify(request);
    if (command == "fingerprint") return fingerprint(request);
    if (command.starts_with("group-")) throw BadRequest{"groups are not built yet"};
    throw BadRequest{"unknown command"};
}

Speaker::Speaker() : state_(std::make_unique<State>()) {}
Speaker::~Speaker() = default;

std::string Speaker::answer(const std::string& line) {
    json::object reply;
    json::value id = nullptr;
    try {
        const auto request = json::parse(line);
        if (!request.is_object()) throw BadRequest{"a request is a JSON object"};
        if (const auto* given = request.get_object().if_contains("id")) id = *given;
        reply = state_->run(request.get_object());
        reply["ok"] = true;
    } catch (const BadRequest& bad) {
        reply = {{"ok", false}, {"error", bad.text}};
    } catch (const std::exception&) {
        reply = {{"ok", false}, {"error", "not valid JSON"}};
    }
    reply["id"] = id;
    return json::serialize(reply);
}

}  // namespace melder::interop
