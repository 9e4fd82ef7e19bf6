#include "keyserver/restore_logic.hpp"

#include <gtest/gtest.h>

#include "core/endian.hpp"

namespace melder::keyserver {
namespace {

StoreEpoch epoch(std::uint64_t number, Byte tail = 1) {
    ByteArray<StoreEpoch::size_bytes> bytes{};
    std::ranges::copy(big_endian(number), bytes.begin());
    bytes.back() = tail;
    return StoreEpoch(bytes);
}

Statement statement(const StoreEpoch& store, std::uint64_t size = 0, Hash head = {}) {
    Statement out;
    out.store_epoch = store;
    out.log_size = size;
    out.log_head = head;
    return out;
}

const OrderBook empty_book;
const Hash some_head = sha256(view("head"));

TEST(RestoreLogic, a_statement_of_this_life_proves_nothing) {
    EXPECT_FALSE(judge_statement(statement(epoch(5)), epoch(5), empty_book, {}));
}

TEST(RestoreLogic, a_later_life_and_another_life_of_the_same_number_prove_that_the_store_went_back) {
    EXPECT_EQ(judge_statement(statement(epoch(6)), epoch(5), empty_book, {}), LossKind::epoch);
    EXPECT_EQ(judge_statement(statement(epoch(5, 2)), epoch(5), empty_book, {}), LossKind::epoch);
    EXPECT_FALSE(judge_statement(statement(epoch(4)), epoch(5), empty_book, {}));
}

TEST(RestoreLogic, a_log_that_this_store_lacks_is_proven_by_its_size_or_its_head) {
    EXPECT_EQ(judge_statement(statement(epoch(5), 1, some_head), epoch(5), empty_book, {}), LossKind::log);
    EXPECT_EQ(judge_statement(statement(epoch(5), 0, some_head), epoch(5), empty_book, {}), LossKind::log);
}

TEST(RestoreLogic, what_was_lost_before_a_declaration_is_accepted_by_it_and_no_more_than_that) {
    server::RestoreRow row;
    EXPECT_EQ(judge_statement(statement(epoch(4), 3, some_head), epoch(5), empty_book, row), LossKind::log)
        << "declared before anybody told of the loss";
    row.loss = server::ProvenLoss{.kind = 2, .met_at = UnixTime{1}, .log_size = 3};
    row = declare_restored(row, UnixTime{9000});
    EXPECT_FALSE(row.loss);
    EXPECT_FALSE(judge_statement(statement(epoch(4), 3, some_head), epoch(5), empty_book, row));
    EXPECT_EQ(judge_statement(statement(epoch(4), 4, some_head), epoch(5), empty_book, row), LossKind::log);
    EXPECT_EQ(judge_statement(statement(epoch(5), 3, some_head), epoch(5), empty_book, row), LossKind::log)
        << "this life stated it: what was accepted belongs to former ones";
}

TEST(RestoreLogic, a_device_bound_before_the_declaration_is_expected_and_a_later_one_proves_a_loss) {
    const server::RestoreRow row{.declared_at = UnixTime{9000}, .accepted_log_size = 0, .loss = std::nullopt};
    EXPECT_FALSE(judge_unknown_binding(UnixTime{8000}, row));
    EXPECT_EQ(judge_unknown_binding(UnixTime{10'000}, row), LossKind::device);
    EXPECT_EQ(judge_unknown_binding(UnixTime{8000}, {}), LossKind::device) << "no restore was ever declared";
}

}  // namespace
}  // namespace melder::keyserver
