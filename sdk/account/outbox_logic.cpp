#include "sdk/account/outbox_logic.hpp"

#include <algorithm>
#include <utility>

namespace melder::sdk {

namespace {

/// Answers that say nothing about the message, only about the moment.
bool is_temporary(Errc code) {
    switch (code) {
        case Errc::busy:
        case Errc::rate_limited:
        case Errc::outcome_unknown:
        case Errc::shutting_down:
        case Errc::deadline_exceeded:
        case Errc::storage_full:
        case Errc::out_of_memory:
            return true;
        default:
            return false;
    }
}

}  // namespace

OutboxLogic::Actions OutboxLogic::add(OutboxUpload fields, UnixTime now) {
    enter(std::move(fields), next_order_++, now);
    Actions out;
    issue(now, out);
    return out;
}

void OutboxLogic::enter(OutboxUpload fields, std::uint64_t order, UnixTime now) {
    restore_waiting(fields);
    Upload upload;
    upload.order = order;
    upload.waiting.insert(fields.recipients.begin(), fields.recipients.end());
    upload.waiting.insert(fields.own_devices.begin(), fields.own_devices.end());
    upload.not_before = now;
    const auto id = fields.envelope;
    upload.fields = std::move(fields);
    uploads_.insert_or_assign(id, std::move(upload));
}

void OutboxLogic::restore_waiting(OutboxUpload fields) {
    auto& message = messages_[fields.content];
    message.expires_at = fields.expires_at;
    message.lane = fields.lane;
    message.reports = fields.reports;
    message.told = message.told || fields.told;
    message.uploads.insert(fields.envelope);
    for (const auto& device : fields.recipients)
        message.devices[device] = {.hoped = true, .own = false};
    for (const auto& device : fields.own_devices)
        message.devices[device] = {.hoped = true, .own = true};
    auto& sent = sent_[fields.envelope];
    sent.content = fields.content;
    sent.devices.insert(fields.recipients.begin(), fields.recipients.end());
    sent.devices.insert(fields.own_devices.begin(), fields.own_devices.end());
}

void OutboxLogic::issue(UnixTime now, Actions& out) {
    if (!connected_) return;
    std::uint32_t flying = 0;
    std::size_t flying_bytes = 0;
    std::vector<Upload*> ready;
    std::set<Lane> blocked;
    for (auto& [id, upload] : uploads_) {
        if (upload.in_flight) {
            ++flying;
            flying_bytes += upload.fields.bytes;
        } else {
            ready.push_back(&upload);
        }
    }
    std::ranges::sort(ready, {}, [](const Upload* upload) { return upload->order; });
    for (auto* upload : ready) {
        // One that waits holds back the later ones of its lane: order per lane is the sender's to keep.
        if (blocked.contains(upload->fields.lane)) continue;
        const bool room = flying < credit_ && (flying == 0 || flying_bytes + upload->fields.bytes <= credit_bytes_);
        if (upload->repairing || upload->not_before > now || !room) {
            blocked.insert(upload->fields.lane);
            continue;
        }
        upload->in_flight = true;
        ++flying;
        flying_bytes += upload->fields.bytes;
        out.emplace_back(SubmitEnvelope{upload->fields.envelope});
    }
}

OutboxLogic::Actions OutboxLogic::on_connected(std::uint32_t credit, std::size_t credit_bytes, UnixTime now) {
    connected_ = true;
    credit_ = credit;
    credit_bytes_ = credit_bytes;
    for (auto& [id, upload] : uploads_) {
        upload.in_flight = false;
        upload.not_before = now;
    }
    Actions out;
    issue(now, out);
    return out;
}

void OutboxLogic::on_disconnected() {
    connected_ = false;
    for (auto& [id, upload] : uploads_)
        upload.in_flight = false;
}

void OutboxLogic::retry_later(Upload& upload, Millis retry_after, UnixTime now) {
    upload.in_flight = false;
    upload.not_before = now + upload.backoff.next(random_, retry_after);
}

OutboxLogic::Actions OutboxLogic::on_result(const EnvelopeId& envelope, const EnrolmentId& recipient,
                                            std::uint32_t code, Millis retry_after, UnixTime now) {
    Actions out;
    const auto found = uploads_.find(envelope);
    if (found == uploads_.end() || !found->second.waiting.contains(recipient)) return out;
    auto& upload = found->second;
    const auto content = upload.fields.content;
    const bool own = std::ranges::find(upload.fields.own_devices, recipient) != upload.fields.own_devices.end();
    if (code == 0) {
        upload.waiting.erase(recipient);
        auto& message = messages_.at(content);
        if (!own && !message.stored) {
            message.stored = true;
            if (message.reports && !message.told) out.emplace_back(ReportStored{content});
        }
        answered(envelope, out);
    } else if (const auto errc = static_cast<Errc>(code); is_known(code) && is_temporary(errc)) {
        if (upload.in_flight) retry_later(upload, retry_after, now);  // once, however many recipients say so
    } else {
        upload.waiting.erase(recipient);
        answered(envelope, out);
        fail_device(content, recipient, is_known(code) ? errc : Errc::not_delivered, out);
    }
    issue(now, out);
    return out;
}

OutboxLogic::Actions OutboxLogic::on_refused(const EnvelopeId& envelope, Errc code, Millis retry_after, UnixTime now) {
    Actions out;
    const auto found = uploads_.find(envelope);
    if (found == uploads_.end()) return out;
    if (is_temporary(code)) {
        retry_later(found->second, retry_after, now);
    } else {
        const auto fields = found->second.fields;
        forget_upload(envelope, out);
        for (const auto& device : fields.recipients)
            fail_device(fields.content, device, code, out);
        for (const auto& device : fields.own_devices)
            fail_device(fields.content, device, code, out);
    }
    issue(now, out);
    return out;
}

OutboxLogic::Actions OutboxLogic::on_mismatched(const EnvelopeId& envelope, UnixTime now) {
    Actions out;
    const auto found = uploads_.find(envelope);
    if (found == uploads_.end() || found->second.repairing) return out;
    const auto content = found->second.fields.content;
    // A device of the sender's own that is gone has no successor for what was meant for it.
    const bool own = found->second.fields.recipients.empty();
    if (own || ++messages_.at(content).repairs > repairs_per_message) {
        return on_refused(envelope, Errc::mismatched_devices, Millis(0), now);
    }
    found->second.in_flight = false;
    found->second.repairing = true;
    out.emplace_back(Reencrypt{content, envelope, {}});
    issue(now, out);
    return out;
}

OutboxLogic::Actions OutboxLogic::on_reencrypted(const ContentId& content, const std::optional<EnvelopeId>& instead_of,
                                                 OutboxUpload upload, UnixTime now) {
    Actions out;
    if (!messages_.contains(content)) {  // it ended meanwhile
        out.emplace_back(DropRow{upload.envelope});
        return out;
    }
    std::uint64_t order = 0;
    if (instead_of) {
        if (const auto old = uploads_.find(*instead_of); old != uploads_.end()) order = old->second.order;
        // Devices that the new upload leaves out are no longer the officer's.
        drop_addressees(content);
        forget_upload(*instead_of, out);
    }
    enter(std::move(upload), order != 0 ? order : next_order_++, now);
    issue(now, out);
    return out;
}

OutboxLogic::Actions OutboxLogic::on_reencryption_failed(const ContentId& content,
                                                         const std::optional<EnvelopeId>& instead_of, Errc reason,
                                                         UnixTime now) {
    Actions out;
    if (instead_of) {
        const auto found = uploads_.find(*instead_of);
        if (found != uploads_.end() &&
            (is_temporary(reason) || reason == Errc::not_connected || reason == Errc::locked)) {
            // The same bytes go again and are answered with the same mismatch, which asks for the next attempt.
            found->second.repairing = false;
            retry_later(found->second, Millis(0), now);
            issue(now, out);
            return out;
        }
        forget_upload(*instead_of, out);
    }
    if (const auto message = messages_.find(content); message != messages_.end()) {
        message->second.last_failure = reason;
        if (instead_of) drop_addressees(content);
        end_if_over(content, out);
    }
    issue(now, out);
    return out;
}

OutboxLogic::Actions OutboxLogic::on_delivered(const ContentId& content, const EnrolmentId& by, UnixTime now) {
    Actions out;
    const auto found = messages_.find(content);
    if (found == messages_.end()) return out;
    auto& message = found->second;
    const auto device = message.devices.find(by);
    if (device == message.devices.end() || !std::exchange(device->second.hoped, false)) return out;
    if (!device->second.own && message.reports && !message.told) {
        if (!message.stored) out.emplace_back(ReportStored{content});
        out.emplace_back(ReportDelivered{content, by});
        message.told = true;
        out.emplace_back(MarkTold{content});
    }
    release_device(content, by, out);
    end_if_over(content, out);
    issue(now, out);
    return out;
}

OutboxLogic::Actions OutboxLogic::on_device_gone(const EnrolmentId& device, const std::optional<EnrolmentId>& successor,
                                                 UnixTime now) {
    Actions out;
    std::vector<ContentId> touched;
    for (const auto& [content, message] : messages_) {
        if (const auto hoped = message.devices.find(device); hoped != message.devices.end() && hoped->second.hoped) {
            touched.push_back(content);
        }
    }
    for (const auto& content : touched) {
        const auto uploads = messages_.at(content).uploads;
        for (const auto& envelope : uploads) {
            if (const auto upload = uploads_.find(envelope); upload != uploads_.end())
                upload->second.waiting.erase(device);
        }
        if (successor && !messages_.at(content).devices.at(device).own) {
            auto& message = messages_.at(content);
            message.devices.erase(device);
            message.devices[*successor] = {.hoped = true, .own = false};
            for (const auto& envelope : uploads)
                answered(envelope, out);
            out.emplace_back(Reencrypt{content, std::nullopt, {*successor}});
        } else {
            for (const auto& envelope : uploads)
                answered(envelope, out);
            fail_device(content, device, Errc::device_revoked, out);
        }
    }
    issue(now, out);
    return out;
}

void OutboxLogic::answered(const EnvelopeId& envelope, Actions& out) {
    const auto found = uploads_.find(envelope);
    if (found == uploads_.end() || !found->second.waiting.empty()) return;
    const auto content = found->second.fields.content;
    forget_upload(envelope, out);
    // Nobody confirms a receipt: what the app did not send ends with the server's answer.
    if (const auto message = messages_.find(content); message != messages_.end() && !message->second.reports) {
        end_message(content, out);
    }
}

/// Nothing more is to come for or from it; what was written to it alone is not needed again.
void OutboxLogic::release_device(const ContentId& content, const EnrolmentId& device, Actions& out) {
    for (const auto& envelope : messages_.at(content).uploads) {
        const auto& to = sent_.at(envelope).devices;
        if (!to.contains(device)) continue;
        if (const auto upload = uploads_.find(envelope); upload != uploads_.end()) {
            upload->second.waiting.erase(device);
            if (upload->second.waiting.empty()) forget_upload(envelope, out);
        }
        if (to.size() == 1) out.emplace_back(DropRow{envelope});
    }
}

void OutboxLogic::fail_device(const ContentId& content, const EnrolmentId& device, Errc reason, Actions& out) {
    const auto found = messages_.find(content);
    if (found == messages_.end()) return;
    auto& message = found->second;
    release_device(content, device, out);
    const auto one = message.devices.find(device);
    if (one != message.devices.end()) one->second.hoped = false;
    const bool own = one != message.devices.end() && one->second.own;
    if (!own) {
        message.last_failure = reason;
        if (message.reports) out.emplace_back(ReportFailed{content, device, reason});
    }
    end_if_over(content, out);
}

void OutboxLogic::end_if_over(const ContentId& content, Actions& out) {
    const auto found = messages_.find(content);
    if (found == messages_.end()) return;
    auto& message = found->second;
    const auto hoped = [&](bool own) {
        return std::ranges::any_of(message.devices,
                                   [&](const auto& one) { return one.second.hoped && one.second.own == own; });
    };
    if (hoped(false)) return;
    if (message.reports && !std::exchange(message.told, true)) {
        out.emplace_back(ReportFailed{content, std::nullopt, message.last_failure});
        out.emplace_back(MarkTold{content});
    }
    if (!hoped(true)) end_message(content, out);
}

void OutboxLogic::drop_addressees(const ContentId& content) {
    std::erase_if(messages_.at(content).devices, [](const auto& one) { return !one.second.own; });
}

void OutboxLogic::end_message(const ContentId& content, Actions& out) {
    const auto uploads = messages_.at(content).uploads;
    for (const auto& envelope : uploads) {
        forget_upload(envelope, out);
        sent_.erase(envelope);
    }
    messages_.erase(content);
    out.emplace_back(DropContent{content});
}

void OutboxLogic::forget_upload(const EnvelopeId& envelope, Actions& out) {
    if (uploads_.erase(envelope) != 0) out.emplace_back(DropUpload{envelope});
}

OutboxLogic::Actions OutboxLogic::on_tick(UnixTime now, UnixTime erasable) {
    Actions out;
    std::vector<ContentId> over;
    for (const auto& [content, message] : messages_) {
        if (message.expires_at <= erasable) over.push_back(content);
    }
    for (const auto& content : over) {
        const auto& message = messages_.at(content);
        if (message.reports && !message.told) out.emplace_back(ReportExpired{content});
        end_message(content, out);
    }
    issue(now, out);
    return out;
}

std::optional<UnixTime> OutboxLogic::next_deadline(Millis behind) const {
    std::optional<UnixTime> next;
    const auto consider = [&](UnixTime t) { next = next ? std::min(*next, t) : t; };
    for (const auto& [content, message] : messages_)
        consider(message.expires_at + behind);
    if (!connected_) return next;
    for (const auto& [id, upload] : uploads_) {
        if (!upload.in_flight && !upload.repairing) consider(upload.not_before);
    }
    return next;
}

std::set<EnrolmentId> OutboxLogic::hoped_for() const {
    std::set<EnrolmentId> out;
    for (const auto& [content, message] : messages_) {
        for (const auto& [device, hoped] : message.devices) {
            if (hoped.hoped) out.insert(device);
        }
    }
    return out;
}

std::set<EnrolmentId> OutboxLogic::silent() const {
    auto out = hoped_for();
    for (const auto& [id, upload] : uploads_) {
        for (const auto& device : upload.waiting)
            out.erase(device);
    }
    for (const auto& [content, message] : messages_) {
        if (message.reports) continue;
        for (const auto& [device, state] : message.devices)
            out.erase(device);
    }
    return out;
}

bool OutboxLogic::was_recipient(const EnvelopeId& envelope, const EnrolmentId& device) const {
    const auto sent = sent_.find(envelope);
    if (sent == sent_.end() || !sent->second.devices.contains(device)) return false;
    const auto message = messages_.find(sent->second.content);
    return message != messages_.end() && message->second.devices.contains(device);
}

std::optional<OutboxLogic::MessageOf> OutboxLogic::message_of(const EnvelopeId& envelope) const {
    const auto sent = sent_.find(envelope);
    if (sent == sent_.end()) return std::nullopt;
    const auto& message = messages_.at(sent->second.content);
    return MessageOf{sent->second.content, message.lane, message.expires_at};
}

}  // namespace melder::sdk
