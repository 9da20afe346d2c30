using System.Text;
using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Files;

namespace Tulu2.Data.Demo;

/// <summary>Paths of the demo's files.</summary>
/// <param name="Corpus">Plain text for the demo's tokenizer: one dialogue a paragraph, in the form of the chat template.</param>
public sealed record DemoFiles(string SftTrain, string SftHeldOut, string DpoTrain, string DpoHeldOut, string Corpus);

/// <summary>
/// Generates the demo's data. A hash of the question, whatever its wording, decides whether an item is held out: no held-out question, of SFT or of
/// preferences, appears in a training file.
/// </summary>
public static class DemoData
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the five files into <paramref name="directory"/>, which is created if needed.</summary>
    public static DemoFiles Write(string directory, DemoDataOptions options)
    {
        var files = new DemoFiles(In("sft_train.jsonl"), In("sft_heldout.jsonl"), In("dpo_train.jsonl"), In("dpo_heldout.jsonl"), In("corpus.txt"));
        var train = new DemoSampler(options, heldOut: false);
        var heldOut = new DemoSampler(options, heldOut: true);
        var rows = train.Rows(options.SftTrain, part: 0);
        var pairs = train.Pairs(options.DpoTrain, part: 1);
        WriteLines(files.SftTrain, rows.Select(row => Row(row.Kind, row.Item, row.Answer)));
        WriteLines(files.SftHeldOut, heldOut.Rows(options.SftHeldOut, part: 2).Select(row => Row(row.Kind, row.Item, row.Answer)));
        WriteLines(files.DpoTrain, pairs.Select(pair => Pair(pair.Kind, pair.Item)));
        WriteLines(files.DpoHeldOut, heldOut.Pairs(options.DpoHeldOut, part: 3).Select(pair => Pair(pair.Kind, pair.Item)));
        WriteLines(files.Corpus, rows.Select(row => Text(row.Item.Answered(row.Answer))));
        return files;

        string In(string name) => Path.Combine(directory, name);
    }

    private static Func<int, string> Row(string kind, DemoItem item, string answer) => number =>
        JsonSerializer.Serialize(new { dataset = kind, id = $"{kind}_{number}", messages = Turns(item.Answered(answer)) }, Plain);

    private static Func<int, string> Pair(string kind, DemoItem item) => number =>
        JsonSerializer.Serialize(
            new { dataset = kind, id = $"{kind}_{number}", chosen = Turns(item.Answered(item.Right)), rejected = Turns(item.Answered(item.Wrong)) }, Plain);

    private static IEnumerable<object> Turns(IEnumerable<Message> messages) =>
        messages.Select(message => new { role = message.Role, content = message.Content });

    private static string Text(IEnumerable<Message> messages)
    {
        var text = new StringBuilder();
        foreach (var message in messages) text.Append("<|").Append(message.Role).Append("|>\n").Append(message.Content).Append('\n');
        return text.ToString();
    }

    private static void WriteLines(string path, IEnumerable<Func<int, string>> lines) => WriteLines(path, lines.Select((line, number) => line(number)));

    private static void WriteLines(string path, IEnumerable<string> lines) => AtomicFile.Write(path, stream =>
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        foreach (var line in lines) writer.WriteLine(line);
    });
}
