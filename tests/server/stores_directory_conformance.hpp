#pragma once
// What every DirectoryStore must do. An implementation opens itself through a harness, which can also restart it.

#include <memory>

#include <gtest/gtest.h>

#include "server/stores/directory_store.hpp"
#include "server/stores/wait_for.hpp"

namespace melder::server::testing {

class DirectoryHarness {
public:
    virtual ~DirectoryHarness() = default;
    [[nodiscard]] virtual DirectoryStore& store() = 0;
    virtual void restart() = 0;
    /// Opens the same rows as a restored store: another epoch.
    virtual void restore() = 0;
};
using HarnessFactory = std::unique_ptr<DirectoryHarness> (*)();

class DirectoryStoreConformance : public ::testing::TestWithParam<HarnessFactory> {
protected:
    DirectoryStore& store() { return harness_->store(); }
    Result<Cursor> commit(DirectoryChange change) {
        return wait_for<Cursor>([&](auto executor, auto done) { store().commit(std::move(change), executor, done); });
    }
    Result<std::uint32_t> put(PrekeyPut put) {
        return wait_for<std::uint32_t>([&](auto executor, auto done) { store().put_prekeys(put, executor, done); });
    }
    std::vector<TakeResult> take(std::vector<TakeItem> items, std::uint32_t reserve = 0) {
        return wait_for<std::vector<TakeResult>>(
                   [&](auto executor, auto done) { store().take_prekeys(items, reserve, executor, done); })
            .value();
    }
    std::optional<DeviceRow> load(const EnrolmentId& id) {
        using Rows = std::vector<std::optional<DeviceRow>>;
        return wait_for<Rows>([&](auto executor, auto done) { store().load_devices({id}, executor, done); })
            .value()
            .front();
    }

    std::unique_ptr<DirectoryHarness> harness_ = GetParam()();
};

}  // namespace melder::server::testing
