// Signatures of a second administrator, carried as files.

#include "apps/melder-admin/sign_request.hpp"

#include <filesystem>

#include "core/random.hpp"
#include "tests/apps/melder-admin/tool_fixture.hpp"

namespace melder::testing {
namespace {

namespace fs = std::filesystem;

class SecondSignature : public ToolFixture {
protected:
    [[nodiscard]] std::string issue() const {
        const auto issued = admin("--json code issue --officer 10001");
        EXPECT_EQ(issued.exit_code, 0) << issued.output;
        return field(issued.output, "device");
    }
    /// Another machine: no home, no server.
    [[nodiscard]] CommandResult offline(const std::string& arguments) const {
        return run_command(std::string(MELDER_ADMIN_BINARY) + " --home " + path("nowhere") + " --passphrase-file " +
                           path("passphrase") + " --key " + path("second.key") + " " + arguments + " < /dev/null");
    }
};

TEST_F(SecondSignature, a_restore_is_signed_on_a_machine_without_a_network_and_handed_in) {
    const auto device = issue();
    ASSERT_EQ(admin("revoke " + device + " --reason lost").exit_code, 0);
    const auto request = path("restore.request");
    expect(admin("restore " + device + " --reason \"found behind the seat\" --sign-request " + request), 0,
           "nothing was sent: 1 document");
    EXPECT_EQ(fs::status(request).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    expect(admin("device list"), 0, device + "  revoked");
    expect(admin("submit " + request), 1, "carries one signature only");
    expect(admin("sign " + request + " --yes"), 1, "your key has signed it already");

    const auto unsigned_text = read("restore.request");
    expect(offline("sign " + request), 2, "no terminal to ask \"Sign this?\"");
    EXPECT_EQ(read("restore.request"), unsigned_text) << "nothing half-written";
    const auto words = offline("sign " + request + " --yes");
    expect(words, 0, "1 of 1: RESTORE device " + device);
    expect(words, 0, "reason: found behind the seat");
    expect(words, 0, "the file says (nothing proves it): Anna Berger, 10001");
    expect(words, 0, "signed so far by " + admin_id_);

    expect(admin("submit " + request), 0, "1 orders and 0 grants are in force");
    expect(admin("device list"), 0, device + "  waiting");
    expect(admin("submit " + request), 0, "0 orders and 0 grants are in force; 1 were before");
}

TEST_F(SecondSignature, above_the_ceiling_codes_wait_for_the_second_administrator) {
    std::string numbers;
    std::string force = "unit,LKA,Landeskriminalamt\n";
    for (int i = 0; i < 53; ++i) {
        const auto number = std::to_string(20'000 + i);
        numbers += number + "\n";
        force += "officer," + number + ",Officer " + number + ",LKA,member\n";
    }
    write("many.csv", force);
    write("numbers", numbers);
    ASSERT_EQ(admin("directory put --allow-removals 9 " + path("many.csv")).exit_code, 0);
    const auto out = " --without-second-part --out ";
    expect(admin("codes issue --batch " + path("numbers") + out + path("alone")), 1, "--sign-request FILE");
    expect(admin("codes issue --batch " + path("numbers") + out + path("both") + " --sign-request " + path("request")),
           0, "53 documents");
    expect(admin("codes status " + path("both.batch")), 0, "0 enrolled, 0 waiting, 53 failed");
    const auto words = offline("sign --yes " + path("request"));
    expect(words, 0, "1 of 53: GRANT a new device");
    expect(words, 0, "for Officer 20000, service number 20000, unit LKA, member");
    expect(words, 0, "… and 33 more");
    expect(offline("sign " + path("request") + " --all"), 1, "signed it already");
    expect(admin("submit " + path("request")), 0, "0 orders and 53 grants are in force");
    expect(admin("codes status " + path("both.batch")), 0, "0 enrolled, 53 waiting, 0 failed");
}

TEST_F(SecondSignature, a_file_that_was_tampered_with_is_not_signed) {
    const auto device = issue();
    ASSERT_EQ(admin("suspend " + device + " --reason leave --sign-request " + path("request")).exit_code, 0);
    const auto text = read("request");
    auto lying = text;
    lying.replace(lying.find("reason leave"), 12, "reason other");
    write("lying", lying);
    expect(offline("sign --yes " + path("lying")), 1, "the reason in the file is not the one in the order");
    write("half", text.substr(0, text.size() / 2));
    EXPECT_EQ(offline("sign --yes " + path("half")).exit_code, 1);
    write("rubbish", "hello\n");
    expect(offline("sign --yes " + path("rubbish")), 1, "this is no file of --sign-request");
    write("odd", "melder-sign-request 1\nfly away\n");
    expect(offline("sign --yes " + path("odd")), 1, "line 2: expected an order or a grant first");
    expect(offline("sign --yes " + path("absent")), 1, "absent");
    expect(admin("suspend " + device + " --reason leave --sign-request " + path("request")), 1, "exists");
}

TEST_F(SecondSignature, an_order_that_another_one_overtook_is_refused_with_what_to_do) {
    const auto device = issue();
    ASSERT_EQ(admin("suspend " + device + " --reason leave --sign-request " + path("request")).exit_code, 0);
    ASSERT_EQ(admin("revoke " + device + " --reason lost").exit_code, 0);
    ASSERT_EQ(offline("sign --yes " + path("request")).exit_code, 0);
    expect(admin("submit " + path("request")), 1, "make the order again");
}

TEST(SignRequest, survives_its_file) {
    SeededRandom random(1);
    admin::SignRequest request;
    Order order;
    order.target = random.id<EnrolmentId>();
    order.issued_at = UnixTime::from_seconds(1'800'000'000);
    admin::SignItem item;
    random.fill(item.reason_salt);
    item.reason = "weil — ja";
    item.about = "Jörg Meißner";
    order.reason = sha256({item.reason_salt, view(item.reason)});
    item.document.body = order.encode();
    request.items.push_back(item);
    const auto read = admin::SignRequest::parse(request.encode());
    ASSERT_TRUE(read.has_value()) << read.error();
    EXPECT_EQ(read->items[0].document.body, item.document.body);
    EXPECT_EQ(read->items[0].reason, item.reason);
    EXPECT_EQ(read->items[0].about, item.about);
    EXPECT_EQ(admin::words_of(read->items[0]).value().front(), "REVOKE for good device " + order.target.hex());
    // A name that would turn the line around is not shown.
    EXPECT_TRUE(admin::SignRequest::parse(request.encode() + "about \xe2\x80\xae\n").has_error());
}

}  // namespace
}  // namespace melder::testing
