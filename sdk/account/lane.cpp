#include "sdk/account/lane.hpp"

#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace melder::sdk {

class WorkLane::Impl {
public:
    Impl() : guard(boost::asio::make_work_guard(context)), alarm(context), thread([this] { context.run(); }) {}

    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard;
    boost::asio::steady_timer alarm;
    std::thread thread;
};

WorkLane::WorkLane() : impl_(std::make_unique<Impl>()) {}
WorkLane::~WorkLane() {
    stop();
}

void WorkLane::post(std::function<void()> work) {
    boost::asio::post(impl_->context, std::move(work));
}

void WorkLane::set_alarm(std::chrono::milliseconds in, std::function<void()> ring) {
    impl_->alarm.expires_after(in);
    impl_->alarm.async_wait([ring = std::move(ring)](const boost::system::error_code& error) {
        if (!error) ring();
    });
}

void WorkLane::clear_alarm() {
    impl_->alarm.cancel();
}

bool WorkLane::is_here() const noexcept {
    return std::this_thread::get_id() == impl_->thread.get_id();
}

boost::asio::any_io_executor WorkLane::executor() const {
    return impl_->context.get_executor();
}

void WorkLane::stop() {
    impl_->context.stop();
    if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace melder::sdk
