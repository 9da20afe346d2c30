using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Generation;
using Tulu2.Files;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>generate --model DIR --prompt TEXT</c>; the options are named as in the OpenAI API.</summary>
internal sealed class GenerateCommand(Terminal terminal)
{
    private readonly Option<string> _model = CommandBuilder.Required<string>("--model", ModelArgument.Description);
    private readonly Option<string?> _adapter = ModelArgument.Adapter();
    private readonly Option<string> _prompt = CommandBuilder.Required<string>("--prompt", "Prompt; - reads it from standard input");
    private readonly Option<bool> _raw = CommandBuilder.Flag("--raw", "Continue the prompt as it is, without the chat template");
    private readonly GenerationFlags _flags = new(maxTokens: 256, temperature: 1);

    public Command Create() => CommandBuilder.Command("generate", "Generate text with a model", [_model, _adapter, _prompt, _raw, .. _flags.Symbols], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var model = await ModelArgument.NameAsync(terminal, parsed.GetValue(_model)!, parsed.GetValue(_adapter), cancellation);
        return await Task.Run(() => Run(parsed, model, cancellation), cancellation);
    }

    private int Run(ParseResult parsed, string model, CancellationToken cancellation)
    {
        var options = _flags.Read(parsed);
        options.Validate();
        var prompt = parsed.GetValue(_prompt)! is "-" ? terminal.ReadToEnd(cancellation) : parsed.GetValue(_prompt)!;
        using var generator = _flags.Load(parsed, model, terminal.Say);
        foreach (var remark in generator.Model.Remarks) terminal.Say(remark);
        var ids = parsed.GetValue(_raw) ? generator.EncodeRaw(prompt) : generator.EncodeChat([new Message(Message.User, prompt)]);
        // With --json standard output holds the one object only.
        Action<string>? stream = terminal.Json ? null : Write;
        var result = generator.Generate(new GenerationRequest(ids, options, stream), cancellation);
        if (terminal.Json)
            terminal.Output.WriteLine(JsonLine.Of(new
            {
                result.Text,
                FinishReason = result.Finish.ToString().ToLowerInvariant(),
                result.PromptTokens,
                CompletionTokens = result.Ids.Count,
                result.Ids,
            }));
        else
            terminal.Output.WriteLine();
        return ExitCode.Done;
    }

    private void Write(string piece)
    {
        terminal.Output.Write(piece);
        terminal.Output.Flush();
    }
}
