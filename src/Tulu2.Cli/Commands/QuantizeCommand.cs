using System.CommandLine;
using System.Globalization;
using Tulu2.Cli.Shell;
using Tulu2.Evaluation.Provenance;
using Tulu2.Files;
using Tulu2.Models.HuggingFace;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>quantize --model DIR --to DIR</c>: a Hugging Face directory with its linears in NF4, as bitsandbytes stores them.</summary>
internal sealed class QuantizeCommand(Terminal terminal)
{
    private readonly Option<string> _model = CommandBuilder.Required<string>("--model", ModelArgument.Description);
    private readonly Option<string> _to = CommandBuilder.Required<string>("--to", "Directory to write; an earlier export there is replaced");
    private readonly Option<string> _type = CommandBuilder.Option("--dtype", "Of embedding, norms and head: fp32, bf16 or fp16", "bf16");
    private readonly Option<bool> _noDoubleQuant = CommandBuilder.Flag("--no-double-quant",
        "Keep the scales in fp32 (4.5 bits per weight) and not in 8 bits (4.13)");

    public Command Create()
    {
        _type.AcceptOnlyFromAmong([.. ExportCommand.Types.Keys]);
        return CommandBuilder.Command("quantize", "Write a model with its linears in 4 bits (NF4), as bitsandbytes stores them",
            [_model, _to, _type, _noDoubleQuant], RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var to = Path.GetFullPath(parsed.GetValue(_to)!);
        var source = await ModelArgument.DirectoryAsync(terminal, parsed.GetValue(_model)!, cancellation);
        var (type, doubleQuant) = (ExportCommand.Types[parsed.GetValue(_type)!], !parsed.GetValue(_noDoubleQuant));
        var sizes = await ProgressDisplay.RunAsync(terminal, "quantize",
            report => QuantizedExport.Write(source, to, type, doubleQuant, (done, total) => report(new ProgressSnapshot(done, total))), cancellation);
        ProvenanceFile.Write(to, ProvenanceFile.Read(source));
        terminal.WriteHuman($"from {source}, {NumberText.Count(sizes.Before, "byte")} of weights");
        terminal.WriteHuman($"to   {to}, {NumberText.Count(sizes.After, "byte")} of weights");
        terminal.WriteHuman(string.Create(CultureInfo.InvariantCulture,
            $"{NumberText.Count(sizes.Matrices, "matrix", "matrices")} in NF4, {sizes.BitsPerWeight:F3} bits per weight; ")
            + $"embedding, norms and head in {parsed.GetValue(_type)}");
        if (terminal.Json)
            terminal.Output.WriteLine(JsonLine.Of(new
            {
                Model = source,
                Export = to,
                BytesBefore = sizes.Before,
                BytesAfter = sizes.After,
                sizes.Matrices,
                sizes.BitsPerWeight,
            }));
        return ExitCode.Done;
    }
}
