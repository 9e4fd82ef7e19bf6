// What devices refused and the help desk looks at: listed, put back.

#include "relay/relay_core.hpp"

namespace melder::relay {
namespace {

/// The lanes are asked one after the other; the last answer carries them all.
class AsideReader : public std::enable_shared_from_this<AsideReader> {
public:
    AsideReader(server::MailboxStore& store, const EnrolmentId& device, server::Executor executor,
                std::function<void(Result<Relay::Aside>)> done)
        : store_(store), device_(device), executor_(std::move(executor)), done_(std::move(done)) {}

    void read_next() {
        if (next_ == std::size(drain_order)) return done_(std::move(found_));
        server::ListQuery query;
        query.device = device_;
        query.lane = drain_order[next_++];
        query.state = server::EntryState::aside;
        query.limit = limits::aside_envelopes;
        query.limit_bytes = limits::aside_bytes;
        store_.list(
            query, executor_, [self = shared_from_this(), lane = query.lane](const Result<server::ListPage>& page) {
                if (page.has_error()) return self->done_(page.error());
                for (const auto& entry : page->entries) {
                    if (entry.state != server::EntryState::aside || entry.body == nullptr) continue;  // expired
                    self->found_.push_back({lane, entry.id, entry.sequence, entry.marks,
                                            entry.header.size() + entry.body->encoded.size(), entry.expires_at});
                }
                self->read_next();
            });
    }

private:
    server::MailboxStore& store_;
    EnrolmentId device_;
    server::Executor executor_;
    std::function<void(Result<Relay::Aside>)> done_;
    std::size_t next_ = 0;
    Relay::Aside found_;
};

}  // namespace

void Relay::list_aside(const EnrolmentId& device, server::Executor executor, std::function<void(Result<Aside>)> done) {
    std::make_shared<AsideReader>(places_.store, device, std::move(executor), std::move(done))->read_next();
}

void Relay::release_aside(const EnrolmentId& device, std::vector<EnvelopeId> which, server::Executor executor,
                          std::function<void(Result<std::size_t>)> done) {
    const auto core = server::home_core_of(device, cores_.size());
    auto mark = [this, impl = cores_[core]->impl_, core, device, which = std::move(which), executor,
                 done](const Result<Aside>& aside) {
        if (aside.has_error()) return done(aside.error());
        std::vector<server::MarkItem> items;
        std::vector<std::pair<Lane, std::uint64_t>> places;
        for (const auto& entry : *aside) {
            if (!which.empty() && std::ranges::find(which, entry.id) == which.end()) continue;
            items.push_back({{device, entry.lane, entry.id, 0}, {}, false, true});
            places.emplace_back(entry.lane, entry.sequence);
        }
        if (items.empty()) return done(std::size_t{0});
        places_.store.mark(std::move(items), executor,
                           [this, impl, core, device, places = std::move(places), done](const Result<void>& marked) {
                               if (marked.has_error()) return done(marked.error());
                               places_.log.info("aside_released", {{"device", device}, {"count", places.size()}});
                               places_.loops.post_to(core, [impl, device, places] {
                                   for (const auto& [lane, sequence] : places)
                                       impl->on_released(device, lane, sequence);
                               });
                               done(places.size());
                           });
    };
    // The store marks what it has loaded: the summary loads the mailbox.
    places_.store.summarise(
        device, executor,
        [this, device, executor, mark = std::move(mark), done](const Result<server::MailboxSummary>& known) {
            if (known.has_error()) return done(known.error());
            list_aside(device, executor, mark);
        });
}

void RelayCore::Impl::on_released(const EnrolmentId& device, Lane lane, std::uint64_t sequence) {
    run(logic_.on_released(device, lane, sequence, now()));
}

}  // namespace melder::relay
