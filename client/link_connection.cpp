#include "client/link_connection.hpp"

#include "client/link_connection_impl.hpp"

namespace melder::client {

namespace asio = boost::asio;

LinkConnection::LinkConnection(const asio::any_io_executor& executor, const ByteStreamFactory& make_stream,
                               const LinkTimes& times)
    : impl_(std::make_shared<Impl>(executor, make_stream, times)) {}
LinkConnection::~LinkConnection() {
    if (impl_ != nullptr) impl_->abandon();
}
LinkConnection::LinkConnection(LinkConnection&&) noexcept = default;
LinkConnection& LinkConnection::operator=(LinkConnection&& other) noexcept {
    if (this != &other) {
        if (impl_ != nullptr) impl_->abandon();
        impl_ = std::move(other.impl_);
    }
    return *this;
}

void LinkConnection::on_frame(std::function<void(wire::Frame&)> handler) {
    impl_->on_frame = std::move(handler);
}
void LinkConnection::on_closed(std::function<void(const Error&)> handler) {
    impl_->on_closed = std::move(handler);
}
void LinkConnection::connect(const ServerAddress& address, ServerTrust trust, Completion<ServerHello> done) {
    impl_->connect(address, std::move(trust), std::move(done));
}
void LinkConnection::login(DeviceLogin login, LoginKey& key, Completion<wire::Welcome> done) {
    impl_->login(std::move(login), key, std::move(done));
}
void LinkConnection::admin_login(const Ed25519Seed& key, Completion<wire::Welcome> done) {
    impl_->admin_login(key, std::move(done));
}
void LinkConnection::enrol(const EnrolmentId& device, const SignedBinding& binding, const Ed25519Seed& enrolment_key,
                           Completion<wire::Credential> done) {
    impl_->enrol(device, binding, enrolment_key, std::move(done));
}
Result<void> LinkConnection::send(const wire::Frame& frame) {
    return impl_->send(frame);
}
void LinkConnection::request(wire::Frame frame, std::chrono::milliseconds deadline, Completion<wire::Frame> done) {
    impl_->request_parts(std::move(frame), deadline, [done = std::move(done)](Result<wire::Frame> reply) {
        done(std::move(reply));
        return Reply::last_part;
    });
}
void LinkConnection::request_parts(wire::Frame frame, std::chrono::milliseconds deadline, PartHandler handler) {
    impl_->request_parts(std::move(frame), deadline, std::move(handler));
}
void LinkConnection::pause_reading() {
    impl_->set_reading(false);
}
void LinkConnection::resume_reading() {
    impl_->set_reading(true);
}
void LinkConnection::close() {
    impl_->close();
}
bool LinkConnection::is_open() const noexcept {
    return impl_->is_open();
}
std::size_t LinkConnection::queued_bytes() const noexcept {
    return impl_->queued_bytes();
}

}  // namespace melder::client
