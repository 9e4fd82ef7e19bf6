#include "server/link/outbox.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace melder::server {
namespace {

constexpr std::size_t header_room = std::tuple_size_v<decltype(ServerFrameHeader::bytes)>;

}  // namespace

void Outbox::add(const wire::Frame& frame, std::size_t encoded_bytes) {
    const auto framed = framed_bytes(encoded_bytes);
    make_room(framed);
    append_frame(open_, frame, encoded_bytes);
    count(framed);
}

void Outbox::add(BytesView encoded) {
    const auto framed = framed_bytes(encoded.size());
    make_room(framed);
    append_frame(open_, encoded);
    count(framed);
}

void Outbox::add_raw(BytesView bytes) {
    if (bytes.empty()) return;
    seal();
    // Behind a message that waits already: a peer that pings without reading pays in bytes, not in list nodes.
    if (sealed_.empty()) sealed_.push_back({{}, 0});
    auto& last = sealed_.back().bytes;
    last.insert(last.end(), bytes.begin(), bytes.end());
    count(bytes.size());
}

/// Seals the open message if `framed` more bytes would make it too long; reserves the header's place in a new one.
void Outbox::make_room(std::size_t framed) {
    if (!open_.empty() && open_.size() - header_room + framed > limits::message_bytes) seal();
    if (open_.empty()) {
        open_.reserve(header_room + std::max<std::size_t>(framed, 512));
        open_.resize(header_room);
    }
}

void Outbox::seal() {
    if (open_.empty()) return;
    const auto header = server_frame_header(Opcode::binary, open_.size() - header_room);
    const auto at = header_room - header.size;
    std::ranges::copy(header.view(), open_.begin() + static_cast<std::ptrdiff_t>(at));
    sealed_.push_back({std::move(open_), at});
    open_ = Bytes();
    ++sealed_count_;
    count(header.size);
}

void Outbox::count(std::size_t bytes) noexcept {
    queued_ += bytes;
    budget_->take(bytes);
}

BytesView Outbox::front() {
    if (sealed_.empty()) seal();
    if (sealed_.empty()) return {};
    return BytesView(sealed_.front().bytes).subspan(sealed_.front().at);
}

void Outbox::consume(std::size_t bytes) {
    auto& first = sealed_.front();
    first.at += bytes;
    queued_ -= bytes;
    budget_->give_back(bytes);
    if (first.at < first.bytes.size()) return;
    sealed_.erase(sealed_.begin());
    if (sealed_.empty()) sealed_.shrink_to_fit();
}

void Outbox::clear() noexcept {
    budget_->give_back(queued_);
    queued_ = 0;
    sealed_ = std::vector<Sealed>();
    open_ = Bytes();
}

}  // namespace melder::server
