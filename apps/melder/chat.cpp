// melder chat: the conversation's decisions between the account and the terminal, or plain lines where there is none.

#include <iostream>

#include <unistd.h>

#include "apps/melder/chat_logic.hpp"
#include "apps/melder/commands.hpp"
#include "apps/melder/input_lines.hpp"
#include "apps/melder/line_editor.hpp"
#include "apps/melder/main_loop.hpp"
#include "apps/melder/printing.hpp"
#include "core/limits.hpp"

namespace melder::apps {
namespace {

class Chat : public std::enable_shared_from_this<Chat> {
public:
    Chat(sdk::Account& account, std::shared_ptr<MainLoop> loop)
        : account_(account), loop_(std::move(loop)), logic_([&account] { return account.new_content_id(); }) {}

    int run(const std::string& who) {
        on_terminal_ = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
        act(logic_.on_start(who));
        account_.connect();
        pump();
        on_terminal_ ? run_on_terminal() : run_on_pipe();
        const bool sent = account_.state().waiting_to_send == 0;
        editor_.reset();
        account_.close();
        loop_->end();
        if (why_) return fail(*why_);
        if (!sent)
            std::cerr << "melder: messages wait in the outbox; they go out with the next command that connects\n";
        return sent ? done : nothing_in_time;
    }

private:
    void run_on_terminal() {
        editor_ = std::make_unique<LineEditor>([this] {
            bool readable = false;
            while (!readable && loop_->step([&] { readable = true; })) {
            }
            return readable;
        });
        do {
            editor_->set_prompt(logic_.prompt());
            const auto line = editor_->read_line();
            if (!line) break;
            act(logic_.on_line(*line));
        } while (!left_);
        std::cout << std::endl;
        if (!left_) wind_up();
    }

    void run_on_pipe() {
        InputLines input(limits::text_bytes + 64);
        loop_->run([&] {
            const auto more = input.read([&](std::string_view line) { act(logic_.on_line(std::string(line))); },
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
        } else if (!on_terminal_ && !winding_up_) {
            loop_->listen(!logic_.waits());
        }
    }
    void act_on(const ChatLogic::Show& show_) { show(show_.line); }
    void act_on(const ChatLogic::Send& send) {
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
        loop_->stop();
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

    void show(const std::string& line) {
        if (editor_) {
            editor_->set_prompt(logic_.prompt());
            editor_->print_above(line);
        } else {
            std::cout << line << std::endl;
        }
    }

    sdk::Account& account_;
    std::shared_ptr<MainLoop> loop_;
    ChatLogic logic_;
    std::unique_ptr<LineEditor> editor_;
    std::optional<Error> why_;
    std::size_t running_ = 0;
    bool on_terminal_ = false, left_ = false, winding_up_ = false;
};

}  // namespace

int chat(sdk::Account& account, const CommandLine& line) {
    return std::make_shared<Chat>(account, std::make_shared<MainLoop>())->run(line.peer);
}

}  // namespace melder::apps
