// QR codes, and second parts on two threads.

#include <png.h>

#include <filesystem>

#include "apps/melder-admin/files.hpp"
#include "apps/qr_code.hpp"
#include "core/enrolment_code.hpp"
#include "tests/apps/melder-admin/tool_fixture.hpp"

namespace melder::testing {
namespace {

namespace fs = std::filesystem;
using melder::apps::QrCode;

/// The modules that a PNG file shows, eight pixels each.
std::vector<std::vector<bool>> read_png(const std::string& file) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    std::vector<std::vector<bool>> out;
    if (png_image_begin_read_from_file(&image, file.c_str()) == 0) return out;
    image.format = PNG_FORMAT_GRAY;
    std::vector<png_byte> pixels(PNG_IMAGE_SIZE(image));
    if (png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr) == 0) return out;
    for (std::size_t y = 4; y < image.height; y += 8) {
        out.emplace_back();
        for (std::size_t x = 4; x < image.width; x += 8)
            out.back().push_back(pixels[y * image.width + x] == 0);
    }
    return out;
}

void expect_drawn(const std::string& file, const std::string& text) {
    const auto code = QrCode::draw(view(text)).value();
    const auto modules = read_png(file);
    ASSERT_EQ(modules.size(), code.width()) << file;
    for (std::size_t y = 0; y < code.width(); ++y)
        for (std::size_t x = 0; x < code.width(); ++x)
            ASSERT_EQ(modules[y][x], code.dark(x, y)) << x << "," << y;
}

class RollOut : public ToolFixture {};

TEST_F(RollOut, a_code_is_drawn_in_the_terminal_and_into_a_file_that_only_its_owner_reads) {
    const auto issued = admin("code issue --officer 10001 --qr --qr-file " + path("code.png"));
    expect(issued, 0, "code    MLD1-");
    expect(issued, 0, "\x1b[30;107m");
    const auto code = issued.output.substr(8, issued.output.find('\n') - 8);
    ASSERT_TRUE(EnrolmentCode::parse(code).has_value()) << code;
    expect_drawn(path("code.png"), code);
    EXPECT_EQ(fs::status(path("code.png")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    expect(admin("code issue --officer 10001 --qr-file " + path("code.png")), 1, "nothing was issued");
    const auto plain = admin("--json code issue --officer 10001 --qr");
    EXPECT_EQ(plain.output.find('\x1b'), std::string::npos) << "data stays data";
}

TEST_F(RollOut, a_batch_has_a_file_for_each_officer_and_every_second_part_fits_its_code) {
    write("numbers", "10001\n10002\n");
    expect(admin("codes issue --batch " + path("numbers") + " --qr --out " + path("batch")), 0, "QR codes in ");
    const auto mdm = read("batch.mdm.csv");
    const auto parts = read("batch.parts");
    for (const std::string number : {"10001", "10002"}) {
        const auto at = mdm.find("\n" + number + ";") + number.size() + 2;
        const auto code = mdm.substr(at, mdm.find(';', at) - at);
        expect_drawn(path("batch.qr/" + number + ".png"), code);
        const auto sheet = parts.find("Dienstnummer " + number);
        ASSERT_NE(sheet, std::string::npos);
        const auto part = parts.substr(parts.find("        ", sheet) + 8, 9);
        const auto seed = EnrolmentCode::parse(code)->enrolment_seed(part);
        ASSERT_TRUE(seed.has_value());
        const auto device = mdm.substr(mdm.find(';', at) + 1, 32);
        EXPECT_EQ(EnrolmentCode::parse(code)->enrolment_id().hex(), device);
    }
    EXPECT_EQ(fs::status(path("batch.qr")).permissions(), fs::perms::owner_all);
    expect(admin("codes status " + path("batch.batch")), 0, "0 enrolled, 2 waiting");
    expect(admin("codes issue --batch " + path("numbers") + " --qr --out " + path("batch")), 1, "nothing was issued");
}

TEST(QrCode, holds_what_a_code_is_long) {
    EXPECT_TRUE(QrCode::draw({}).has_error());
    EXPECT_TRUE(QrCode::draw(Bytes(4000, 'A')).has_error());
    const auto code = QrCode::draw(view("MLD1-ABCDE")).value();
    for (std::size_t i = 0; i < code.width(); ++i) {
        EXPECT_FALSE(code.dark(i, 0)) << "a quiet zone around";
        EXPECT_FALSE(code.dark(3, i));
    }
    EXPECT_TRUE(code.dark(4, 4)) << "the finder begins behind it";
}

}  // namespace
}  // namespace melder::testing
