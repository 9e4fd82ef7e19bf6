// melder chat: the conversation's decisions between the account and the terminal, or plain lines where there is none.

#include <cstdlib>
#include <iostream>

#include <unistd.h>

#include "apps/melder/chat_logic.hpp"
#include "apps/melder/commands.hpp"
#include "apps/melder/input_lines.hpp"
#include "apps/melder/line_editor.hpp"
#include "apps/melder/main_loop.hpp"
#include "apps/melder/printing.hpp"
#include "apps/melder/screen_signals.hpp"
#include "apps/melder/shown_lines.hpp"
#include "apps/melder/terminal.hpp"
#include "core/limits.hpp"

namespace melder::apps {
namespace {

class Chat : public std::enable_shared_from_this<Chat> {
public:
    Chat(sdk::Account& account, std::shared_ptr<MainLoop> loop, Output& out)
        : account_(account),
          loop_(std::move(loop)),
          out_(out),
          logic_([&account] { return account.new_content_id(); }) {}

    int run(const std::string& who) {
        const char* terminal = std::getenv("TERM");
        on_terminal_ = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1 && terminal != nullptr &&
                       std::string_view(terminal) != "dumb";
        if (on_terminal_) begin_screen();
        act(logic_.on_start(who));
        account_.connect();
        pump();
        on_terminal_ ? run_on_terminal() : run_on_pipe();
        const bool sent = account_.state().waiting_to_send == 0;
        account_.close();
        loop_->end();
        if (why_) return fail(*why_);
        if (!sent)
            std::cerr << "melder: messages wait in the outbox; they go out with the next command that connects\n";
        return sent ? done : nothing_in_time;
    }

private:
    void begin_screen() {
        editor_ = std::make_unique<LineEditor>([this] {
            bool readable = false;
            while (!readable && loop_->step([&] { readable = true; })) {
            }
            return readable;
        });
        signals_.emplace();
        loop_->watch(signals_->descriptor(), [this] {
            while (const auto word = signals_->take())
                on_word(*word);
        });
    }
    void run_on_terminal() {
        do {
            editor_->set_prompt(logic_.prompt());
            const auto line = editor_->read_line();
            if (!line) break;
            act(logic_.on_line(*line));
        } while (!left_);
        loop_->watch(-1, {});
        signals_.reset();  // from here on Ctrl-C ends the waiting
        if (!why_ && !given_up_ && !interrupted()) wind_up();
        editor_.reset();
    }

    void on_word(ScreenSignals::Word word) {
        switch (word) {
            case ScreenSignals::Word::resized:
                return draw();
            case ScreenSignals::Word::stop:
                editor_->step_aside([this] { signals_->stop_here(); });
                return draw();
            case ScreenSignals::Word::interrupted:
                if (editor_->drop_typed()) return;
                given_up_ = true;
                return loop_->stop();
        }
    }
    void draw() { editor_->draw(shown_.newest(LineEditor::screen_rows())); }
    /// What has expired leaves the screen, and the next look is at the next expiry.
    void look_at_expiry() {
        const auto now = system_clock().wall();
        if (shown_.expire(now)) draw();
        const auto next = shown_.next_expiry();
        if (!next) return;
        loop_->alarm(std::chrono::steady_clock::now() + std::max(*next - now, Millis(0)) + Millis(1),
                     [this] { look_at_expiry(); });
    }

    void run_on_pipe() {
        InputLines input(limits::text_bytes + 64);
        loop_->run([&] {
            const auto more = input.read(
                [&](std::string_view line) {
                    if (!left_) act(logic_.on_line(std::string(line)));
                },
                [&] { show("! The line is too long and was not sent."); });
            if (more == InputLines::More::end) wind_up_soon();
        });
    }

    /// What was typed still goes out, if that is possible soon.
    void wind_up_soon() {
        loop_->listen(false);
        loop_->stop_in(limits::rpc_outbox_patience);
        winding_up_ = true;
        stop_when_sent();
    }
    void wind_up() {
        wind_up_soon();
        loop_->run({});
    }
    void stop_when_sent() {
        const bool idle = running_ == 0 && !logic_.waits() && logic_.unanswered() == 0;
        if (winding_up_ && idle && account_.state().waiting_to_send == 0) loop_->stop();
    }

    void pump() {
        (void)account_.next_event().start(
            loop_->here<sdk::Event>([self = shared_from_this()](Result<sdk::Event> event) {
                if (event.has_error()) return self->loop_->stop();
                self->act(self->logic_.on_event(*event));
                self->stop_when_sent();
                self->pump();
            }));
    }

    void act(const ChatLogic::Actions& actions) {
        for (const auto& action : actions)
            std::visit([this](const auto& each) { act_on(each); }, action);
        if (editor_) {
            editor_->set_prompt(logic_.prompt());
        } else if (!winding_up_) {
            loop_->listen(!logic_.waits());
        }
    }
    void act_on(const ChatLogic::Show& what) { show(what.line, what.expires); }
    void act_on(const ChatLogic::CompareKeys& compare) {
        call<sdk::SafetyNumber>(account_.safety_number(compare.with),
                                [this](const Result<sdk::SafetyNumber>& number) { act(logic_.on_compared(number)); });
    }
    void act_on(const ChatLogic::Send& send) {
        if (editor_)  // what was typed has left the screen
            show(clock_of(system_clock().wall()) + "you (#" + std::to_string(send.number) +
                 "): " + harmless(send.text));
        sdk::Message message{.content_id = send.id,
                             .to = send.to,
                             .text = send.text,
                             .urgency = send.urgency,
                             .time_to_live = {},
                             .expire_after_display = {}};
        call<ContentId>(account_.send(std::move(message)), [this, id = send.id](const Result<ContentId>& sent) {
            act(logic_.on_sent(id, sent.has_error() ? Result<void>(sent.error()) : ok()));
        });
    }
    void act_on(const ChatLogic::Acknowledge& acknowledge) {
        call<void>(account_.acknowledge(acknowledge.event), [](const Result<void>&) {});
    }
    void act_on(const ChatLogic::LookUp& look_up) {
        const auto then = [this, who = look_up.who](const Result<sdk::OfficerInfo>& found) {
            act(logic_.on_found(who, found));
        };
        if (look_up.who.size() == 2 * OfficerId::size_bytes) {
            if (const auto id = OfficerId::from_hex(look_up.who); id.has_value())
                return call<sdk::OfficerInfo>(account_.look_up(*id), then);
        }
        call<sdk::OfficerInfo>(account_.look_up(look_up.who), then);
    }
    void act_on(const ChatLogic::Search& search) {
        call<sdk::OfficersPage>(account_.search(search.query),
                                [this, text = search.query.text](const Result<sdk::OfficersPage>& page) {
                                    act(logic_.on_searched(text, page));
                                });
    }
    void act_on(const ChatLogic::Leave& leave) {
        left_ = true;
        why_ = leave.why;
        if (why_) return loop_->stop();
        if (!on_terminal_) wind_up_soon();  // on a terminal, once the line was read
    }

    template <class T>
    void call(sdk::Pending<T> pending, std::function<void(const Result<T>&)> then) {
        ++running_;
        (void)std::move(pending).start(
            loop_->here<T>([self = shared_from_this(), then = std::move(then)](const Result<T>& result) {
                --self->running_;
                then(result);
                self->stop_when_sent();
            }));
    }

    void show(const std::string& line, std::optional<UnixTime> expires = std::nullopt) {
        if (!editor_) {
            if (!out_.put(line)) loop_->stop();
            return;
        }
        editor_->set_prompt(logic_.prompt());
        editor_->print_above(line);
        shown_.add(line, expires);
        if (expires) look_at_expiry();
    }

    sdk::Account& account_;
    std::shared_ptr<MainLoop> loop_;
    Output& out_;
    ChatLogic logic_;
    std::unique_ptr<LineEditor> editor_;
    std::optional<ScreenSignals> signals_;
    ShownLines shown_;
    std::optional<Error> why_;
    std::size_t running_ = 0;
    bool on_terminal_ = false, left_ = false, given_up_ = false, winding_up_ = false;
};

}  // namespace

int chat(sdk::Account& account, const CommandLine& line, Output& out) {
    return std::make_shared<Chat>(account, std::make_shared<MainLoop>(), out)->run(line.peer);
}

}  // namespace melder::apps
