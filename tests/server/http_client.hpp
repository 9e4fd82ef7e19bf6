#pragma once
// One HTTP exchange by hand, so that a test sees the very bytes.

#include <cstdint>
#include <string>
#include <string_view>

namespace melder::testing {

/// A loopback connection; reads wait 10 s at most.
class HttpClient {
public:
    /// If nobody listens, nothing is sent and nothing comes.
    explicit HttpClient(std::uint16_t port);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// False once the peer has closed.
    bool send(std::string_view bytes);
    /// Until the peer closes (or the 10 s are over, or it resets); everything it sent.
    [[nodiscard]] std::string read_all();

private:
    int descriptor_ = -1;
};

struct HttpReply {
    unsigned status = 0;  ///< 0: no response
    std::string header;   ///< with the status line, without the blank one
    std::string body;
};
[[nodiscard]] HttpReply http(std::uint16_t port, std::string_view method, std::string_view target,
                             std::string_view further_fields = {});
[[nodiscard]] HttpReply parse_reply(const std::string& text);

}  // namespace melder::testing
