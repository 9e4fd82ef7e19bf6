// melder_fuzz_seeds VECTORS FOLDER: the seeds of every corpus, out of the golden vectors and a small conversation.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include "core/envelope.hpp"
#include "proto/link.pb.h"
#include "tests/core/police_force.hpp"
#include "tests/sdk/crypto/session_device.hpp"
#include "tests/server/link_client_frames.hpp"

namespace {

using namespace melder;

std::filesystem::path folder;

void seed(const std::string& target, const std::string& name, BytesView bytes) {
    std::filesystem::create_directories(folder / target);
    std::ofstream file(folder / target / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}
void seed(const std::string& target, const std::string& name, Byte choice, BytesView bytes) {
    Bytes whole{choice};
    whole.insert(whole.end(), bytes.begin(), bytes.end());
    seed(target, name, whole);
}
void seed(const std::string& target, const std::string& name, Byte choice, const wire::Frame& frame) {
    const auto text = frame.SerializeAsString();
    seed(target, name, choice, view(text));
}

/// "group/name" → value; of several alike the first.
std::map<std::string, Bytes> read_vectors(const char* path) {
    std::ifstream file(path);
    std::map<std::string, Bytes> values;
    std::string group;
    for (std::string line; std::getline(file, line);) {
        const auto middle = line.find(" = ");
        if (line.starts_with('[')) {
            group = line.substr(1, line.size() - 2);
        } else if (middle != std::string::npos) {
            const auto value = line.substr(middle + 3);
            const auto bytes = value.starts_with('"') ? Result<Bytes>(to_bytes(view(value.substr(1, value.size() - 2))))
                                                      : from_hex(value);
            if (bytes.has_value()) values.emplace(group + "/" + line.substr(0, middle), *bytes);
        }
    }
    return values;
}

void seed_documents(std::map<std::string, Bytes>& vectors) {
    seed("trust_documents", "root_set", 0, vectors.at("trust/root_set"));
    seed("trust_documents", "root_set_successor", 0, vectors.at("trust/successor"));
    seed("trust_documents", "trust_list", 1, vectors.at("trust/trust_list"));
    seed("trust_documents", "trust_list_signed", 2, vectors.at("trust/trust_list_signed"));
    seed("trust_documents", "setup_request", 3,
         view("melder-setup-request 1\nstatement-key " + std::string(64, '1') + "\npin relay " + std::string(64, '2') +
              "\n"));
    seed("trust_documents", "statement", 4, vectors.at("trust/statement"));
    seed("credential", "grant", 0, vectors.at("trust/grant"));
    seed("credential", "grant_signed_again", 3, vectors.at("trust/grant"));
    seed("credential", "binding", 1, vectors.at("trust/binding"));
    seed("credential", "binding_signed_again", 4, vectors.at("trust/binding"));
    seed("credential", "whole", 2, vectors.at("trust/credential"));
    seed("order_log", "order", 0, vectors.at("order log/order"));
    seed("order_log", "order_signed_again", 3, vectors.at("order log/order"));
    seed("order_log", "entry_trust_list", 2, vectors.at("order log/entry_0"));
    seed("order_log", "entry_order", 2, vectors.at("order log/entry_1"));
    testing::PoliceForce force;
    Order order;
    order.target = force.random.id<EnrolmentId>();
    order.issued_at = force.now;
    order.reason = force.random.id<Hash>();
    OrderBook book;
    (void)book.apply(force.entry(0, force.order(order, {&force.chief})), force.trust).has_value();
    seed("order_log", "book", 1, book.encode());
    const auto phone = force.phone();
    const auto whole = phone.credential().SerializeAsString();
    seed("credential", "whole_of_the_force", 2, view(whole));
    wire::Hello hello;
    *hello.mutable_trust_list() = force.trust.document().to_wire();
    hello.set_nonce(std::string(32, 'n'));
    hello.set_lowest_version(1);
    hello.set_highest_version(1);
    const auto text = hello.SerializeAsString();
    seed("server_hello", "hello", view(text));
    seed("enrolment_code", "short", vectors.at("enrolment code/code"));
    seed("enrolment_code", "second_part", vectors.at("enrolment code with a second part/code"));
    seed("enrolment_code", "typed", view("mld1 O1OIL-xxx"));
}

void seed_link(std::map<std::string, Bytes>& vectors) {
    using server::test::encode;
    using server::test::joined;
    const auto message = vectors.at("link frames in one message/message");
    seed("websocket_codec", "fragments_and_ping", 0,
         vectors.at("websocket, a client's frames/in_two_fragments_around_a_ping"));
    seed("websocket_codec", "frames_byte_by_byte", 1, encode({}, message));
    seed("websocket_codec", "close", 0, encode({.opcode = server::Opcode::close}, Bytes{3, 232, 'b', 'y', 'e'}));
    seed("websocket_codec", "long_form", 0, encode({.length_form = 8}, Bytes(300)));
    seed("websocket_codec", "reserved_bit", 0, encode({.reserved = 4}, message));
    const std::string upgrade =
        "GET / HTTP/1.1\r\nHost: melder\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    seed("http_upgrade", "right", 0, view(upgrade));
    seed("http_upgrade", "in_pieces", 7, view(upgrade + "frames"));
    seed("http_upgrade", "no_upgrade", 0, view("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    seed("http_upgrade", "chunked_body", 0, view("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"));
    seed("frame_codec", "two_frames", message);
    seed("frame_codec", "overlong", Bytes{0x81, 0x00, 0x00});

    wire::Frame submit;
    auto& upload = *submit.mutable_submit();
    upload.set_envelope_id(std::string(16, 'e'));
    auto& body = *upload.mutable_body();
    body.set_header(to_string(SharedHeader{.expires_at = {1'800'000'600'000}}.encode()));
    body.set_ephemeral(std::string(32, 'E'));
    body.set_commitment(std::string(32, 'c'));
    body.set_sealed(std::string(1024, 's'));
    for (const char device : {'1', '2'}) {
        auto& header = *upload.add_headers();
        header.set_recipient(std::string(16, device));
        header.set_wrapped_key(std::string(32, 'w'));
        header.set_tag(std::string(16, 't'));
    }
    seed("relay_upload", "whole", 0, submit);
    const auto header_text = upload.headers(0).SerializeAsString();
    const auto body_text = body.SerializeAsString();
    seed("envelope_outer", "header", 0, view(body.header()));
    seed("envelope_outer", "device_header", 1, view(header_text));
    seed("envelope_outer", "body", 2, view(body_text));
    upload.set_total_headers(5);
    seed("relay_upload", "in_parts", 1, submit);
}

void seed_keyserver() {
    constexpr Byte admin = 0, device = 1, restricted = 2;
    const auto frame = [](auto fill) {
        wire::Frame out;
        out.set_request(7);
        fill(out);
        return out;
    };
    seed("keyserver_request", "fetch_log", device, frame([](auto& f) { f.mutable_fetch_log()->set_limit(10); }));
    seed("keyserver_request", "fetch_statement", restricted,
         frame([](auto& f) { f.mutable_fetch_statement()->set_client_nonce(std::string(16, 'n')); }));
    seed("keyserver_request", "own_grant", restricted, frame([](auto& f) { f.mutable_fetch_own_grant(); }));
    seed("keyserver_request", "look_up", device,
         frame([](auto& f) { f.mutable_look_up()->set_service_number("4711-"); }));
    seed("keyserver_request", "search_officers", device,
         frame([](auto& f) { f.mutable_search_officers()->set_text("m\xc3\xbcller k5"); }));
    seed("keyserver_request", "take_bundles", device,
         frame([](auto& f) { f.mutable_take_bundles()->add_devices(std::string(16, 'd')); }));
    seed("keyserver_request", "check_prekeys", device, frame([](auto& f) { f.mutable_check_prekeys(); }));
    seed("keyserver_request", "upload_prekeys", device, frame([](auto& f) {
             auto& upload = *f.mutable_upload_prekeys()->mutable_upload();
             upload.mutable_signed_prekey()->set_id(2);
             upload.mutable_signed_prekey()->set_public_key("\x05" + std::string(32, 'k'));
             upload.mutable_signed_prekey()->set_signature(std::string(64, 's'));
             upload.add_one_time()->set_id(1);
             upload.mutable_one_time(0)->set_public_key("\x05" + std::string(32, 'o'));
         }));
    seed("keyserver_request", "list_devices", admin, frame([](auto& f) { f.mutable_list_devices(); }));
    seed("keyserver_request", "find_officers", admin,
         frame([](auto& f) { f.mutable_find_officers()->set_prefix("P"); }));
    seed("keyserver_request", "list_units", admin, frame([](auto& f) { f.mutable_list_units(); }));
    seed("keyserver_request", "status", admin, frame([](auto& f) { f.mutable_status(); }));
    testing::PoliceForce force;
    const auto phone = force.phone();
    seed("keyserver_request", "put_grants", admin,
         frame([&](auto& f) { *f.mutable_put_grants()->add_grants() = phone.signed_grant.to_wire(); }));
    Order order;
    order.target = phone.grant.enrolment_id;
    order.issued_at = force.now;
    seed("keyserver_request", "put_orders", admin,
         frame([&](auto& f) { *f.mutable_put_orders()->add_orders() = force.order(order, {&force.chief}).to_wire(); }));
    seed("keyserver_request", "put_trust_list", admin,
         frame([&](auto& f) { *f.mutable_put_trust_list()->mutable_trust_list() = force.trust.document().to_wire(); }));
}

void seed_messages(std::map<std::string, Bytes>& vectors) {
    seed("sealed_body", "body", 1, vectors.at("sealed envelope, suite 1/sealed_body"));
    seed("sealed_body", "control_request", 0, vectors.at("control request/control_request"));
    seed("content", "text", vectors.at("content, text/content"));
    seed("content", "receipt", vectors.at("content, delivered receipt with progress/content"));
    seed("content", "heartbeat", vectors.at("content, heartbeat/content"));

    // The same seed and order of events as in session_fuzz.cpp, so that these messages are really for its devices.
    SeededRandom random{3};
    sdk::testing::Device anna{random}, ben{random}, stranger{random};
    anna.begin(ben);
    const auto first = anna.send(ben, "1");
    (void)ben.take(anna, first);
    (void)anna.take(ben, ben.send(anna, "2"));
    const auto third = anna.send(ben, "3");
    (void)ben.take(anna, third);
    seed("signal_message", "prekey", 1, first.message);
    seed("signal_message", "signal", 0, third.message);
    seed("signal_message", "next", 0, anna.send(ben, "4").message);
    stranger.begin(ben, false);
    seed("signal_message", "prekey_of_a_stranger", 2, stranger.send(ben, "hello").message);
    const auto bundle = stranger.bundle();
    wire::PrekeyBundle out;
    out.mutable_signed_prekey()->set_id(bundle.signed_prekey_id);
    out.mutable_signed_prekey()->set_public_key(to_string(bundle.signed_prekey));
    out.mutable_signed_prekey()->set_signature(to_string(bundle.signed_prekey_signature));
    out.mutable_one_time()->set_id(*bundle.one_time_prekey_id);
    out.mutable_one_time()->set_public_key(to_string(bundle.one_time_prekey));
    const auto text = out.SerializeAsString();
    seed("prekey_bundle", "as_it_is", 0, view(text));
    seed("prekey_bundle", "signed_again", 1, view(text));
}

void seed_files() {
    seed("server_config", "whole", view(R"([link]
listen = ["127.0.0.1:5222", "[::1]:0"]
cores = 2

[keys]
tls_certificate = "keys/tls.crt"
tls_private_key = "keys/tls.key"
statement_key = "keys/statement.key"
directory_key = "keys/directory.key"

[trust]
root_set = "root-set"
trust_list = "/etc/melder/trust-list"

[store]
data_directory = "data"
epoch_file = "epoch"
order_log_copy = "/mnt/second/orders"

[log]
level = "info"
)"));
    seed("server_config", "wrong_type", view("listen = 7\n[log]\nlevel = [1]\n"));
    seed("force_file", "whole",
         view("# a force\nunit,LKA/K5,\"Kommissariat \"\"5\"\"\"\nofficer,10001,Anna Berger,LKA/K5,"
              "member+leader\n"));
    seed("force_file", "unknown_unit", view("officer,1,A,B,member\r\n"));
    seed("rpc_request", "send", view(R"({"jsonrpc":"2.0","id":1,"method":"send","params":{"to":"10001","text":"x"}})"));
    seed("rpc_request", "notification", view(R"({"jsonrpc":"2.0","method":"acknowledge","params":{"event":3}})"));
    seed("rpc_request", "batch", view(R"([{"jsonrpc":"2.0"}])"));
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::cerr << "usage: melder_fuzz_seeds VECTORS FOLDER\n";
        return 2;
    }
    auto vectors = read_vectors(arguments[1]);
    folder = arguments[2];
    seed_documents(vectors);
    seed_link(vectors);
    seed_keyserver();
    seed_messages(vectors);
    seed_files();
    return 0;
}
