#include "apps/melder-admin/import_upload.hpp"

#include <unistd.h>

#include <iostream>

#include "apps/melder-admin/requests.hpp"

namespace melder::admin {
namespace {

using wire::Frame;

constexpr std::size_t part_bytes = 80u * 1024;  // a document has at most 16 KiB: a part stays below a message
constexpr auto commit_deadline = std::chrono::seconds(120);  // 50,000 orders on a slow disk

void add_documents(std::vector<wire::StageDirectory>& parts, const std::vector<SignItem>& documents) {
    std::size_t bytes = part_bytes;
    for (const auto& item : documents) {
        if (bytes >= part_bytes) {
            parts.emplace_back();
            bytes = 0;
        }
        auto& added = item.context == Context::order ? *parts.back().add_orders() : *parts.back().add_grants();
        added = item.document.to_wire();
        bytes += added.ByteSizeLong() + 4;
    }
}

bool is_lost(const Error& error) {
    return error == Errc::network || error == Errc::deadline_exceeded || error == Errc::io_error ||
           error == Errc::outcome_unknown || error == Errc::shutting_down;
}

Error refused(const Error& error) {
    if (error == Errc::out_of_order)
        return {
            error.code(),
            "nothing was changed: somebody else changed the directory or the trust list meanwhile, or the server was "
            "restarted; run the import again"};
    if (error == Errc::quota_exceeded)
        return {error.code(),
                "nothing was changed: this is more than a server takes in one import; import in two steps"};
    const auto hint = refusal_hint(error.code());
    return {error.code(), "nothing was changed" + (hint.empty() ? "" : ": " + hint)};
}

}  // namespace

Result<wire::DirectoryCommitted> enter_import(AdminLink& link, std::vector<wire::StageDirectory> parts,
                                              const std::vector<SignItem>& documents, std::uint64_t directory_version) {
    const bool shown = ::isatty(STDERR_FILENO) == 1;
    ByteArray<16> id{};
    system_random().fill(id);
    add_documents(parts, documents);
    std::uint32_t sent = 0;
    for (auto& part : parts) {
        part.set_import_id(to_string(id));
        Frame request;
        request.mutable_stage_directory()->Swap(&part);
        const auto staged = link.ask(std::move(request), Frame::kDone);
        if (staged.has_error()) return refused(staged.error());
        ++sent;
        if (shown) std::cerr << "\r" << sent * 100 / parts.size() << " % sent and judged";
    }
    if (shown && sent > 0) std::cerr << "\n";
    Frame request;
    auto& commit = *request.mutable_commit_directory();
    commit.set_import_id(to_string(id));
    commit.set_parts(sent);
    commit.set_directory_version(directory_version);
    auto done = link.ask(std::move(request), Frame::kDirectoryCommitted, commit_deadline);
    if (done.has_value()) return std::move(*done->mutable_directory_committed());
    if (!is_lost(done.error())) return refused(done.error());
    return Error(done.error().code(),
                 "whether it was done is not known: everything was, or nothing. Run the same command again; it finds "
                 "nothing to do, or does it");
}

}  // namespace melder::admin
