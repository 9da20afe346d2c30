using System.Text;
using System.Text.Json.Nodes;
using Tulu2.Data.Chat;
using Tulu2.Data.Export;
using Tulu2.Data.Rows;
using Tulu2.Data.Tokenizers;

namespace Tulu2.Tests.Data.Export;

/// <summary>A tokenizer exported to a folder, and what training made of dialogues with it.</summary>
internal sealed class ExportedFiles : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ChatEncoder _encoder;

    public ExportedFiles(SentencePieceBpeTokenizer tokenizer, ChatForm form = ChatForm.Default, int positions = 4096)
    {
        Source = tokenizer;
        _encoder = new ChatEncoder(ChatTokenizer.Of(tokenizer), form, int.MaxValue);
        foreach (var file in TokenizerExport.Files(tokenizer, form, positions)) _folder.WriteBytes(file.Name, file.Content);
    }

    public SentencePieceBpeTokenizer Source { get; }

    public string Root => _folder.Root;

    public IEnumerable<string> Names => Directory.GetFiles(Root).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    public JsonObject Json(string name) => JsonNode.Parse(File.ReadAllText(_folder.File(name)))!.AsObject();

    /// <summary>Hugging Face's library, which is written in Rust, on the exported tokenizer.json.</summary>
    public global::Tokenizers.DotNet.Tokenizer Library() => new(_folder.File("tokenizer.json"));

    public int[] Ids(IReadOnlyList<Message> dialogue) => _encoder.EncodeDialogue(dialogue).Ids;

    public int[] PromptIds(IReadOnlyList<Message> dialogue) => _encoder.EncodePrompt(dialogue);

    /// <summary>The text that ids stand for, without the beginning token; an end token written as the vocabulary has it.</summary>
    public string Text(int[] ids)
    {
        // By stretches: after an end token the legacy form has a boundary that no text shows.
        var text = new StringBuilder();
        for (var at = 1; at < ids.Length;)
        {
            var end = Array.IndexOf(ids, Source.EndId, at) is >= 0 and var found ? found : ids.Length;
            text.Append(Source.Decode(ids[at..end], stripBoundary: true));
            if (end < ids.Length) text.Append(Source.PieceOf(Source.EndId));
            at = end + 1;
        }
        return text.ToString();
    }

    public void Dispose() => _folder.Dispose();
}
