#pragma once
// A phone that enrols: what the SDK does between a typed code and 200 published prekeys, in the SDK's own functions,
// cut in two. `prepare` is its own work (scrypt, keys, vault), `Enrolling` what it says to the server. One thread.

#include <functional>
#include <memory>
#include <string>

#include "client/link_connection.hpp"
#include "core/enrolment_code.hpp"
#include "proto/prekeys.pb.h"
#include "sdk/account/own_device.hpp"

namespace melder::bench {

/// Ready to connect. The vault it was made in is gone.
struct Phone {
    Ed25519Seed enrolment;
    sdk::OwnDevice own;
    wire::PrekeyUpload prekeys;
};
/// A code and, if it travelled through a device management, its second part.
struct PrintedCode {
    std::string code, second_part;
};
/// Processor time of the two halves, in seconds.
struct PreparationTimes {
    double code = 0;  ///< the enrolment key out of the code: with a second part, a scrypt
    double keys = 0;  ///< keys, binding, prekeys, and the two commits of a new vault
};
[[nodiscard]] Result<Phone> prepare(const PrintedCode& printed, PreparationTimes& times);

/// Connects, enrols, logs in, uploads its prekeys, and leaves. May die in its own completion.
class Enrolling {
public:
    using Done = std::function<void(Result<void>)>;
    /// Phone and trust outlive it.
    Enrolling(const boost::asio::any_io_executor& executor, const Phone& phone);
    void start(std::uint16_t port, const client::ServerTrust& trust, Done done);

private:
    void on_hello(const client::ServerHello& hello);
    void on_credential(const client::ServerHello& hello, const wire::Credential& credential);
    void log_in();
    void upload();
    void end(const Result<void>& outcome);

    const Phone& phone_;
    client::MemoryLoginKey key_;
    client::LinkConnection link_;
    Done done_;
};

}  // namespace melder::bench
