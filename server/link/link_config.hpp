#pragma once
// How the link is set up. The defaults are DESIGN's; tests shorten the times.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/limits.hpp"
#include "server/link/admission.hpp"

namespace melder::server {

struct LinkTimes {
    std::chrono::milliseconds handshake = limits::handshake_deadline;  ///< TLS and HTTP upgrade
    std::chrono::milliseconds login = limits::login_deadline;          ///< from Hello to a verified login
    std::chrono::milliseconds ping = limits::ping_interval;            ///< of silence, then a ping
    std::chrono::milliseconds dead = limits::dead_after;               ///< of silence, then closed
    std::chrono::milliseconds closing = limits::closing_deadline;      ///< to flush a connection that is being closed
    std::chrono::milliseconds shutdown = limits::shutdown_grace;       ///< for all of LinkServer::shutdown
    std::chrono::milliseconds accept_pause = limits::accept_pause;     ///< when accept() finds no descriptor or memory
    std::chrono::milliseconds tick = limits::link_tick;                ///< how exactly the above are kept
};

struct LinkConfig {
    struct Endpoint {
        std::string address;     ///< IPv4 or IPv6 literal
        std::uint16_t port = 0;  ///< 0: the system chooses, see LinkServer::port
        friend bool operator==(const Endpoint&, const Endpoint&) = default;
    };
    std::vector<Endpoint> listen;
    std::string certificate_file;  ///< PEM; see tls_identity.hpp
    std::string private_key_file;  ///< PEM, P-256
    LinkTimes times;
    AdmissionLimits admission;
    int send_buffer_bytes = 0;  ///< SO_SNDBUF; 0 leaves it to the kernel
    std::size_t process_outbox_bytes = limits::process_outbox_bytes;
};

}  // namespace melder::server
