#pragma once
// Answers the link's questions from memory: who may come in. Enrolments and trust lists go to the lane for writes.

#include <atomic>

#include "keyserver/keyserver_core.hpp"

namespace melder::keyserver {

class KeyserverAuthority final : public server::LoginAuthority {
public:
    /// All outlive the authority. `services` is what Welcome names.
    KeyserverAuthority(Keyserver& keyserver, const server::DirectoryView& view, KeyserverLanes& lanes,
                       const Clock& clock, std::vector<wire::Service> services);

    [[nodiscard]] std::string hello(const ByteArray<32>& nonce) override;
    /// Restricted for a device that is revoked, suspended, replaced or expired.
    [[nodiscard]] Result<DeviceLogin> find_device(BytesView login_body) override;
    void on_device_proved(BytesView login_body) override;
    void admit(Bytes login_body, std::function<void(Result<void>)> done) override;
    [[nodiscard]] Result<AdminLoginInfo> find_admin(BytesView admin_login_body) override;
    [[nodiscard]] Result<Ed25519Public> find_enrolment_key(BytesView enrol_body) override;
    void on_enrolment_refused(BytesView enrol_body, Errc why) override;
    void enrol(Bytes enrol_body, std::function<void(Result<std::string> encoded_enrolled)> done) override;
    void offer_trust_list(SignedBytes list, std::function<void(Result<void>)> done) override;
    void fill_welcome(const server::Peer& peer, wire::Welcome& welcome) override;

private:
    [[nodiscard]] Result<DeviceLogin> judge_presented(const wire::LoginBody& body, const EnrolmentId& id) const;

    Keyserver& keyserver_;
    const server::DirectoryView& view_;
    KeyserverLanes& lanes_;
    const Clock& clock_;
    std::vector<wire::Service> services_;
    std::atomic<std::size_t> enrolments_waiting_{0};  ///< for their turn on the lane of writes
};

}  // namespace melder::keyserver
