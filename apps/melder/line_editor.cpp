#include "apps/melder/line_editor.hpp"

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <stdexcept>

#include <histedit.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/limits.hpp"

namespace melder::apps {

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
    }
    ~Impl() {
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
        return line;
    }

    void print_above(const std::string& line) {
        if (!editing_) {
            std::printf("%s\n", line.c_str());
            std::fflush(stdout);
            return;
        }
        std::fputs("\r", stdout);
        if (const auto rows = rows_above_cursor(); rows > 0) std::printf("\033[%zuA", rows);
        std::printf("\033[J%s\r\n", line.c_str());
        std::fflush(stdout);
        ::el_set(editor_, EL_REFRESH);
    }

    std::string prompt;

private:
    static Impl& of(EditLine* editor) {
        void* self = nullptr;
        ::el_get(editor, EL_CLIENTDATA, &self);
        return *static_cast<Impl*>(self);
    }
    static char* prompt_of(EditLine* editor) { return of(editor).prompt.data(); }
    /// One key, assembled from its UTF-8 bytes; 0 ends the editing.
    static int get_key(EditLine* editor, wchar_t* key) {
        auto& self = of(editor);
        std::mbstate_t state{};
        for (;;) {
            if (!self.wait_()) return 0;
            char byte = 0;
            if (::read(STDIN_FILENO, &byte, 1) != 1) return 0;
            const auto size = std::mbrtowc(key, &byte, 1, &state);
            if (size == static_cast<std::size_t>(-2)) continue;
            if (size == static_cast<std::size_t>(-1)) {
                state = {};  // no UTF-8: the byte is left out
                continue;
            }
            return 1;
        }
    }
    /// How many screen rows the edited text takes before the row of the cursor.
    [[nodiscard]] std::size_t rows_above_cursor() const {
        winsize window{};
        if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0) return 0;
        const auto* info = ::el_wline(editor_);
        std::size_t columns = columns_of(prompt);
        for (const auto* each = info->buffer; each < info->cursor; ++each)
            columns += static_cast<std::size_t>(std::max(0, ::wcwidth(*each)));
        return columns / window.ws_col;
    }
    static std::size_t columns_of(const std::string& text) {
        std::size_t columns = 0;
        std::mbstate_t state{};
        const auto* at = text.data();
        const auto* end = at + text.size();
        while (at < end) {
            wchar_t each = 0;
            const auto size = std::mbrtowc(&each, at, static_cast<std::size_t>(end - at), &state);
            if (size == 0 || size > text.size()) break;
            columns += static_cast<std::size_t>(std::max(0, ::wcwidth(each)));
            at += size;
        }
        return columns;
    }

    std::function<bool()> wait_;
    History* history_ = nullptr;
    EditLine* editor_ = nullptr;
    bool editing_ = false;
};

LineEditor::LineEditor(std::function<bool()> wait) : impl_(std::make_unique<Impl>(std::move(wait))) {}

LineEditor::~LineEditor() = default;

void LineEditor::set_prompt(std::string prompt) {
    impl_->prompt = std::move(prompt);
}

std::optional<std::string> LineEditor::read_line() {
    return impl_->read_line();
}

void LineEditor::print_above(const std::string& line) {
    impl_->print_above(line);
}

}  // namespace melder::apps
