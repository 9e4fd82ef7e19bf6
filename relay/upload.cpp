#include "relay/upload.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace melder::relay {
namespace {

Result<void> add_headers(Upload& upload, google::protobuf::RepeatedPtrField<wire::DeviceHeader>& headers) {
    if (upload.headers.size() + static_cast<std::size_t>(headers.size()) > upload.total_headers) return Errc::malformed;
    for (auto& header : headers) {
        MELDER_TRY(const auto recipient, check_device_header(header));
        upload.recipients.push_back(recipient);
        upload.bytes += header.ByteSizeLong();
        upload.headers.push_back(std::move(header));
    }
    if (!upload.complete()) return ok();
    auto sorted = upload.recipients;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end()) return Errc::malformed;
    return ok();
}

}  // namespace

Result<Upload> read_submit(std::uint32_t request, wire::Submit& submit, UnixTime now) {
    if (submit.has_own()) return Errc::unsupported;
    Upload upload;
    upload.request = request;
    MELDER_TRY(const auto id, EnvelopeId::from(submit.envelope_id()));
    upload.id = id;
    MELDER_TRY(const auto header, check_body(submit.body()));
    upload.header = header;
    if (header.expires_at <= now) return Errc::expired;
    if (header.expires_at - now > limits::ttl_longest + limits::expiry_granularity) return Errc::bad_argument;
    upload.total_headers = submit.total_headers();
    if (upload.total_headers == 0) upload.total_headers = static_cast<std::size_t>(submit.headers_size());
    if (upload.total_headers == 0) return Errc::malformed;
    if (upload.total_headers > limits::headers_per_upload) return Errc::too_large;
    upload.partial = submit.partial();
    upload.body.Swap(submit.mutable_body());
    upload.bytes = upload.body.ByteSizeLong();
    MELDER_CHECK(add_headers(upload, *submit.mutable_headers()));
    return upload;
}

Result<void> add_part(Upload& upload, wire::SubmitMore& more) {
    if (as_chars(upload.id.view()) != more.envelope_id() || more.headers_size() == 0) return Errc::malformed;
    return add_headers(upload, *more.mutable_headers());
}

}  // namespace melder::relay
