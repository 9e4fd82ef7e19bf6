// What a stranger's bytes meet first: the upgrade and the framing; and a client's first look at a server.

#include "client/server_judgement.hpp"
#include "core/frame_codec.hpp"
#include "core/limits.hpp"
#include "relay/upload.hpp"
#include "server/link/http_upgrade.hpp"
#include "tests/core/police_force.hpp"
#include "tests/fuzz/targets.hpp"

namespace melder::fuzz {

void http_upgrade(BytesView input) {
    using server::HttpUpgrade;
    if (input.empty()) return;
    const std::size_t piece = input[0] == 0 ? input.size() : input[0];
    Bytes stream(input.begin() + 1, input.end());
    HttpUpgrade upgrade;
    std::span<Byte> rest(stream);
    std::size_t taken = 0;
    while (!rest.empty()) {
        auto part = rest.first(std::min(piece, rest.size()));
        const auto before = part.size();
        const auto state = upgrade.take(part);
        require(part.size() <= before);
        taken += before - part.size();
        rest = rest.subspan(before - part.size());
        if (state != HttpUpgrade::State::need_more) {
            require(upgrade.response().starts_with("HTTP/1.1 "));
            require((state == HttpUpgrade::State::accepted) == upgrade.response().starts_with("HTTP/1.1 101"));
            require(taken <= limits::http_header_bytes || state == HttpUpgrade::State::refused);
            return;
        }
        require(part.empty());
        require(taken <= limits::http_header_bytes);
    }
}

void frame_codec(BytesView input) {
    FrameReader reader(input);
    Bytes again;
    while (true) {
        const auto next = reader.next();
        if (next.has_error()) return;
        if (!next->has_value()) break;
        append_frame(again, **next);
        require(reader.count() <= limits::frames_per_message);
    }
    require(equal(again, input));  // lengths have one form only
}

void server_hello(BytesView input) {
    static testing::PoliceForce force;
    const client::ServerTrust trust{force.roots, nullptr, 0};
    const auto judged = client::judge_server(input, sha256(view("a")), trust);
    if (judged.has_value()) require(judged->trust != nullptr && equal(judged->encoded, input));
}

void relay_upload(BytesView input) {
    const auto [parts, rest] = chosen(input, 2);
    wire::Frame frame;
    if (!frame.ParseFromArray(rest.data(), static_cast<int>(rest.size()))) return;
    const UnixTime now{1'800'000'000'000};
    auto upload = relay::read_submit(1, *frame.mutable_submit(), now);
    if (upload.has_error()) return;
    require(upload->headers.size() == upload->recipients.size());
    require(upload->headers.size() <= upload->total_headers && upload->total_headers <= limits::headers_per_upload);
    require(upload->header.expires_at > now);
    if (parts == 0 || upload->headers.empty()) return;
    wire::SubmitMore more;
    more.set_envelope_id(upload->id.string());
    for (const auto& header : upload->headers)
        *more.add_headers() = header;
    const auto added = relay::add_part(*upload, more);
    require(upload->headers.size() <= upload->total_headers);
    require(added.has_error() || !upload->complete());  // complete, each recipient would be there twice
}

}  // namespace melder::fuzz
