#include "tests/server/http_client.hpp"

#include <array>
#include <cstdlib>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace melder::testing {

HttpClient::HttpClient(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(descriptor_);
        descriptor_ = -1;
    }
}

HttpClient::~HttpClient() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

bool HttpClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::string HttpClient::read_all() {
    std::string text;
    std::array<char, 16384> buffer{};
    for (;;) {
        const auto size = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
        if (size <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

HttpReply parse_reply(const std::string& text) {
    HttpReply reply;
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos || !text.starts_with("HTTP/1.1 ")) return reply;
    reply.status = static_cast<unsigned>(std::strtoul(text.c_str() + 9, nullptr, 10));
    reply.header = text.substr(0, end);
    reply.body = text.substr(end + 4);
    return reply;
}

HttpReply http(std::uint16_t port, std::string_view method, std::string_view target, std::string_view further_fields) {
    HttpClient client(port);
    std::string request(method);
    request += ' ';
    request += target;
    request += " HTTP/1.1\r\nHost: localhost\r\n";
    request += further_fields;
    request += "\r\n";
    client.send(request);
    return parse_reply(client.read_all());
}

}  // namespace melder::testing
