#include "apps/melder/line_editor.hpp"

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <stdexcept>

#include <histedit.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/limits.hpp"

namespace melder::apps {

namespace {

// xterm control sequences (ctlseqs, "Alt Screen" and "Bracketed Paste Mode"), which every terminal in use today knows.
constexpr auto second_screen = "\033[?1049h\033[?2004h\033[H\033[2J";
constexpr auto former_screen = "\033[?2004l\033[?1049l";
constexpr std::string_view paste_begins = "\033[200~";
constexpr std::string_view paste_ends = "\033[201~";
constexpr wchar_t pasted_line_end = L'↵';
constexpr std::string_view pasted_line_end_utf8 = "↵";
constexpr int rest_of_a_sequence_ms = 20;  // the bytes of one key come together

winsize window_size() {
    winsize window{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0) return {};
    return window;
}

/// Walks over a screen as text does: what is two columns wide does not begin in the last one.
struct Walk {
    std::size_t columns;
    std::size_t at = 0;
    void over(wchar_t c) {
        const auto width = static_cast<std::size_t>(std::max(0, ::wcwidth(c)));
        if (width == 2 && at % columns == columns - 1) ++at;
        at += width;
    }
    void over(std::string_view text) {
        std::mbstate_t state{};
        while (!text.empty()) {
            wchar_t c = 0;
            const auto size = std::mbrtowc(&c, text.data(), text.size(), &state);
            if (size == 0 || size > text.size()) return;
            over(c);
            text.remove_prefix(size);
        }
    }
    [[nodiscard]] std::size_t rows() const { return at / columns; }
};

}  // namespace

class LineEditor::Impl {
public:
    explicit Impl(std::function<bool()> wait) : wait_(std::move(wait)) {
        if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
        history_ = ::history_init();
        editor_ = ::el_init("melder", stdin, stdout, stderr);
        if (history_ == nullptr || editor_ == nullptr) throw std::runtime_error("the terminal cannot be used");
        HistEvent event{};
        ::history(history_, &event, H_SETSIZE, static_cast<int>(limits::typed_lines_kept));
        ::el_set(editor_, EL_CLIENTDATA, this);
        ::el_set(editor_, EL_PROMPT, &Impl::prompt_of);
        ::el_set(editor_, EL_EDITOR, "emacs");
        ::el_set(editor_, EL_HIST, ::history, history_);
        ::el_set(editor_, EL_GETCFN, &Impl::get_key);
        put(second_screen);
    }
    ~Impl() {
        put(former_screen);
        ::el_end(editor_);
        ::history_end(history_);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    std::optional<std::string> read_line() {
        ::el_resize(editor_);
        int size = 0;
        editing_ = true;
        const auto* typed = ::el_gets(editor_, &size);
        editing_ = false;
        if (typed == nullptr || size <= 0) return std::nullopt;
        std::string line(typed, static_cast<std::size_t>(size));
        if (line.ends_with('\n')) line.pop_back();
        HistEvent event{};
        if (!line.empty()) ::history(history_, &event, H_ENTER, line.c_str());
        // The cursor is below what was typed.
        Walk walk{columns()};
        walk.over(prompt);
        walk.over(line);
        std::printf("\r\033[%zuA\033[J", walk.rows() + 1);
        std::fflush(stdout);
        for (auto at = line.find(pasted_line_end_utf8); at != std::string::npos;
             at = line.find(pasted_line_end_utf8, at))
            line.replace(at, pasted_line_end_utf8.size(), "\n");
        return line;
    }

    void print_above(std::string_view line) {
        if (editing_) clear_edited();
        std::printf("%.*s\r\n", static_cast<int>(line.size()), line.data());
        std::fflush(stdout);
        if (editing_) ::el_set(editor_, EL_REFRESH);
    }

    void draw(const std::vector<std::string_view>& lines) {
        put("\033[H\033[2J");
        for (const auto& line : lines)
            std::printf("%.*s\r\n", static_cast<int>(line.size()), line.data());
        std::fflush(stdout);
        if (!editing_) return;
        ::el_resize(editor_);
        ::el_set(editor_, EL_REFRESH);
    }

    bool drop_typed() {
        if (!editing_) return false;
        const auto* info = ::el_line(editor_);
        const auto* wide = ::el_wline(editor_);
        if (info == nullptr || wide == nullptr || wide->lastchar == wide->buffer) return false;
        clear_edited();
        ::el_cursor(editor_, static_cast<int>(wide->lastchar - wide->cursor));
        ::el_deletestr(editor_, static_cast<int>(wide->lastchar - wide->buffer));
        ::el_set(editor_, EL_REFRESH);
        return true;
    }

    void step_aside(const std::function<void()>& meanwhile) {
        put(former_screen);
        if (editing_) ::el_set(editor_, EL_PREP_TERM, 0);
        meanwhile();
        if (editing_) ::el_set(editor_, EL_PREP_TERM, 1);
        put(second_screen);
    }

    std::string prompt;

private:
    static void put(const char* sequence) {
        std::fputs(sequence, stdout);
        std::fflush(stdout);
    }
    static std::size_t columns() {
        const auto window = window_size();
        return window.ws_col > 0 ? window.ws_col : 80;
    }
    /// The edited line leaves the screen, the cursor stands where it began.
    void clear_edited() {
        Walk walk{columns()};
        walk.over(prompt);
        const auto* info = ::el_wline(editor_);
        for (const auto* each = info->buffer; each < info->cursor; ++each)
            walk.over(*each);
        put("\r");
        if (walk.rows() > 0) std::printf("\033[%zuA", walk.rows());
        put("\033[J");
    }
    static Impl& of(EditLine* editor) {
        void* self = nullptr;
        ::el_get(editor, EL_CLIENTDATA, &self);
        return *static_cast<Impl*>(self);
    }
    static char* prompt_of(EditLine* editor) { return of(editor).prompt.data(); }

    [[nodiscard]] bool read_keys() {
        std::array<char, 1024> block{};
        const auto size = ::read(STDIN_FILENO, block.data(), block.size());
        if (size > 0) keys_.append(block.data(), static_cast<std::size_t>(size));
        return size > 0;
    }
    /// True: `marker` stood at the front and was taken.
    bool take(std::string_view marker) {
        pollfd more{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
        while (keys_.size() < marker.size() && marker.starts_with(keys_) &&
               ::poll(&more, 1, rest_of_a_sequence_ms) > 0 && read_keys()) {
        }
        if (!keys_.starts_with(marker)) return false;
        keys_.erase(0, marker.size());
        return true;
    }
    /// One key, assembled from its UTF-8 bytes; 0 ends the editing.
    static int get_key(EditLine* editor, wchar_t* key) {
        auto& self = of(editor);
        std::mbstate_t state{};
        for (;;) {
            if (self.keys_.empty() && (!self.wait_() || !self.read_keys())) return 0;
            if (self.keys_.front() == '\033' && self.take(self.pasting_ ? paste_ends : paste_begins)) {
                self.pasting_ = !self.pasting_;
                continue;
            }
            if (self.keys_.empty()) continue;
            const char byte = self.keys_.front();
            self.keys_.erase(0, 1);
            const auto size = std::mbrtowc(key, &byte, 1, &state);
            if (size == static_cast<std::size_t>(-2)) continue;
            if (size == static_cast<std::size_t>(-1)) {
                state = {};  // no UTF-8: the byte is left out
                continue;
            }
            if (!self.pasting_) return 1;
            if (*key == L'\r' || *key == L'\n') *key = pasted_line_end;
            if (*key == L'\t') *key = L' ';
            if (*key >= 0x20 && *key != 0x7f) return 1;  // what is pasted commands nothing
        }
    }

    std::function<bool()> wait_;
    History* history_ = nullptr;
    EditLine* editor_ = nullptr;
    std::string keys_;  ///< read, and not taken by the editor yet
    bool editing_ = false, pasting_ = false;
};

LineEditor::LineEditor(std::function<bool()> wait) : impl_(std::make_unique<Impl>(std::move(wait))) {}

LineEditor::~LineEditor() = default;

void LineEditor::set_prompt(std::string prompt) {
    impl_->prompt = std::move(prompt);
}

std::optional<std::string> LineEditor::read_line() {
    return impl_->read_line();
}

void LineEditor::print_above(std::string_view line) {
    impl_->print_above(line);
}

void LineEditor::draw(const std::vector<std::string_view>& lines) {
    impl_->draw(lines);
}

bool LineEditor::drop_typed() {
    return impl_->drop_typed();
}

void LineEditor::step_aside(const std::function<void()>& meanwhile) {
    impl_->step_aside(meanwhile);
}

std::size_t LineEditor::screen_rows() {
    const auto window = window_size();
    return window.ws_row > 0 ? window.ws_row : 24;
}

}  // namespace melder::apps
