#pragma once
// `melder jsonrpc`: requests from standard input to the account, answers and events to standard output.
//
// Calls that need the server are made one after the other, so that two messages to the same officer leave in the order
// in which they were asked for, and wait until the first attempt to connect has ended. At most
// limits::rpc_requests_waiting of them wait; beyond that no more input is read. With limits::unread_events messages or
// limits::unread_bytes of text that nobody has acknowledged no more events are taken from the account, and thus no more
// from the server. Everything on the loop's thread.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/melder/main_loop.hpp"
#include "apps/melder/rpc_request.hpp"
#include "melder/account.hpp"

namespace melder::apps {

class RpcBridge : public std::enable_shared_from_this<RpcBridge> {
public:
    /// `write` takes one line without its feed; false ends the bridge (nobody reads any more). `remember` is called
    /// once a device was enrolled.
    struct Outside {
        std::function<bool(const std::string&)> write;
        std::function<void()> remember;
    };
    struct Method {
        std::string_view name;
        std::vector<std::string_view> params;  ///< the required ones first
        std::size_t required = 0;
        void (RpcBridge::*handler)(const RpcRequest&);
    };
    /// Each method there is; docs/JSONRPC.md lists the same.
    [[nodiscard]] static const std::vector<Method>& methods();

    RpcBridge(sdk::Account& account, std::shared_ptr<MainLoop> loop, Outside outside);

    void start();
    void on_line(std::string_view line);
    void on_line_too_long();
    /// No more requests will come: what waits is still done, and what was sent gets limits::rpc_outbox_patience to be
    /// answered for by the server; then the loop stops.
    void on_end_of_input();

private:
    using Job = std::function<void()>;
    void handle(const RpcRequest& request);
    void version(const RpcRequest& request);
    void status(const RpcRequest& request);
    void diagnostics(const RpcRequest& request);
    void enrol(const RpcRequest& request);
    void find(const RpcRequest& request);
    void search(const RpcRequest& request);
    void send(const RpcRequest& request);
    void send_to(const RpcRequest& request, sdk::Message message, const OfficerId& officer);
    void safety_number(const RpcRequest& request);
    void safety_number_with(const RpcRequest& request, const OfficerId& officer);
    void acknowledge(const RpcRequest& request);
    void events_again(const RpcRequest& request);

    void add_job(Job job);
    void run_next();
    void end_job();
    void pump_events();
    void on_event(const sdk::Event& event);
    void stop_when_idle();

    /// Who is meant is an officer id, or is looked up; `then` goes on with the job, which an error ends.
    void resolve(const RpcRequest& request, const std::string& who, std::function<void(const OfficerId&)> then);

    void put(const std::string& line);
    void put_answer(const RpcRequest& request, const std::string& answer);
    void answer(const RpcRequest& request, boost::json::value result);
    void answer_error(const RpcRequest& request, const Error& error);
    void refuse(const RpcRequest& request, RpcFault fault, std::string sentence);
    template <class T>
    void call(sdk::Pending<T> pending, std::function<void(Result<T>)> then) {
        ++running_;
        (void)std::move(pending).start(
            loop_->here<T>([self = shared_from_this(), then = std::move(then)](Result<T> result) {
                --self->running_;
                then(std::move(result));
                self->stop_when_idle();
            }));
    }

    sdk::Account& account_;
    std::shared_ptr<MainLoop> loop_;
    Outside outside_;
    std::deque<Job> jobs_;
    bool job_runs_ = false;
    bool settled_ = false;  ///< the first attempt to connect has ended, one way or another
    bool input_over_ = false;
    std::size_t running_ = 0;                              ///< calls that will still be answered
    bool pumping_ = false;                                 ///< the next event is being waited for
    std::map<std::uint64_t, std::size_t> unacknowledged_;  ///< messages handed out, with their bytes
    std::size_t unacknowledged_bytes_ = 0;
};

}  // namespace melder::apps
