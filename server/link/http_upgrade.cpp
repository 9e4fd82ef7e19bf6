#include "server/link/http_upgrade.hpp"

#include <openssl/evp.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include "core/limits.hpp"

namespace melder::server {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view end_of_header = "\r\n\r\n";
/// RFC 6455 §1.3.
constexpr std::string_view accept_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::string refusal(std::string_view status, std::string_view extra = {}) {
    std::string response = "HTTP/1.1 ";
    response += status;
    response += "\r\nConnection: close\r\nContent-Length: 0\r\n";
    response += extra;
    response += "\r\n";
    return response;
}

std::string accept_value(std::string_view key) {
    std::string input(key);
    input += accept_guid;
    ByteArray<20> digest{};
    unsigned size = 0;
    EVP_Digest(input.data(), input.size(), digest.data(), &size, EVP_sha1(), nullptr);
    return to_base64(digest);
}

bool is_key(std::string_view key) {
    const auto bytes = from_base64(key);
    return bytes.has_value() && bytes->size() == 16;
}

std::string_view as_view(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

}  // namespace

HttpUpgrade::State HttpUpgrade::take(std::span<Byte>& input) {
    // The blank line may lie across two reads.
    const auto search_from = header_.size() < end_of_header.size() ? 0 : header_.size() - (end_of_header.size() - 1);
    const auto before = header_.size();
    const auto room = limits::http_header_bytes - before;
    header_.append(as_chars(input.first(std::min(room, input.size()))));
    const auto end = header_.find(end_of_header, search_from);
    if (end == std::string::npos) {
        const bool full = header_.size() == limits::http_header_bytes;
        input = input.subspan(header_.size() - before);
        if (!full) return State::need_more;
        response_ = refusal("431 Request Header Fields Too Large");
        return State::refused;
    }
    header_.resize(end + end_of_header.size());
    input = input.subspan(header_.size() - before);
    const auto state = judge();
    header_ = {};
    return state;
}

HttpUpgrade::State HttpUpgrade::judge() {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(limits::http_header_bytes));
    boost::system::error_code error;
    parser.put(boost::asio::buffer(header_), error);
    if (error || !parser.is_header_done()) {
        response_ = refusal("400 Bad Request");
        return State::refused;
    }
    const auto& request = parser.get();
    const bool upgrade = request.method() == http::verb::get && request.version() == 11 &&
                         http::token_list(request[http::field::connection]).exists("upgrade") &&
                         http::token_list(request[http::field::upgrade]).exists("websocket");
    if (!upgrade || request.count(http::field::sec_websocket_key) != 1) {
        response_ = refusal("400 Bad Request");
        return State::refused;
    }
    if (request[http::field::sec_websocket_version] != "13") {
        response_ = refusal("426 Upgrade Required", "Sec-WebSocket-Version: 13\r\n");
        return State::refused;
    }
    const auto key = as_view(request[http::field::sec_websocket_key]);
    if (!is_key(key)) {
        response_ = refusal("400 Bad Request");
        return State::refused;
    }
    response_ =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    response_ += accept_value(key);
    response_ += "\r\n\r\n";
    return State::accepted;
}

}  // namespace melder::server
