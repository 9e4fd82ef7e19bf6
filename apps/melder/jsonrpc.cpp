// melder jsonrpc: the bridge on this process's standard input and output.

#include <iostream>

#include "apps/melder/commands.hpp"
#include "apps/melder/input_lines.hpp"
#include "apps/melder/main_loop.hpp"
#include "apps/melder/printing.hpp"
#include "apps/melder/rpc_bridge.hpp"
#include "core/limits.hpp"

namespace melder::apps {

int jsonrpc(sdk::Account& account, const std::function<void()>& remember, Output& out) {
    const auto loop = std::make_shared<MainLoop>();
    const auto write = [&](const std::string& line) { return out.put(line); };
    const auto bridge = std::make_shared<RpcBridge>(account, loop, RpcBridge::Outside{write, remember});
    InputLines input(limits::rpc_line_bytes);
    bridge->start();
    loop->run([&] {
        const auto more =
            input.read([&](std::string_view line) { bridge->on_line(line); }, [&] { bridge->on_line_too_long(); });
        if (more == InputLines::More::end) bridge->on_end_of_input();
    });
    const bool sent = account.state().waiting_to_send == 0;
    account.close();
    loop->end();
    if (out.is_gone()) return failed;
    if (!sent) std::cerr << "melder: messages wait in the outbox; they go out with the next command that connects\n";
    return sent ? done : nothing_in_time;
}

}  // namespace melder::apps
