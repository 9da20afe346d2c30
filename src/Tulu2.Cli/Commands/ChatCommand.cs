using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Evaluation.Generation;
using Tulu2.Files;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>chat --model DIR</c>: a dialogue, line by line; works from a pipe as well.</summary>
internal sealed class ChatCommand(Terminal terminal)
{
    private readonly Option<string> _model = CommandBuilder.Required<string>("--model", ModelArgument.Description);
    private readonly Option<string?> _adapter = ModelArgument.Adapter();
    private readonly Option<string?> _system = CommandBuilder.Optional<string>("--system", "System message before the dialogue");
    private readonly GenerationFlags _flags = new(maxTokens: 512, temperature: 0);

    public Command Create() => CommandBuilder.Command("chat", "Chat with a model; /clear starts over, /exit or end of input quits",
        [_model, _adapter, _system, .. _flags.Symbols], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var model = await ModelArgument.NameAsync(terminal, parsed.GetValue(_model)!, parsed.GetValue(_adapter), cancellation);
        return await Task.Run(() => Run(parsed, model, cancellation), cancellation);
    }

    private int Run(ParseResult parsed, string model, CancellationToken cancellation)
    {
        var options = _flags.Read(parsed);
        options.Validate();
        using var generator = _flags.Load(parsed, model, terminal.Say);
        foreach (var remark in generator.Model.Remarks) terminal.Say(remark);
        var chat = new ChatSession(generator, options, parsed.GetValue(_system));
        while (Ask(cancellation) is { } line && line != "/exit")
        {
            if (line == "/clear") chat.Clear();
            else if (line.Length > 0) Reply(chat, line, cancellation);
        }
        return ExitCode.Done;
    }

    private string? Ask(CancellationToken cancellation)
    {
        // The prompt is for a person; a pipe gets the answers only.
        if (terminal.IsInteractive && !Console.IsInputRedirected) terminal.Error.Write("you> ");
        return terminal.ReadLine(cancellation)?.Trim();
    }

    private void Reply(ChatSession chat, string line, CancellationToken cancellation)
    {
        Action<string>? stream = terminal.Json ? null : Write;
        var result = chat.Reply(line, stream, cancellation);
        terminal.Output.WriteLine(terminal.Json ? JsonLine.Of(new { Role = "assistant", Content = result.Text }) : "");
        terminal.Output.Flush();
    }

    private void Write(string piece)
    {
        terminal.Output.Write(piece);
        terminal.Output.Flush();
    }
}
