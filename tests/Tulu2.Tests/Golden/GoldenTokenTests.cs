using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Tokenizers;
using Tulu2.Data.Tokenizers.Learning;
using Xunit;

namespace Tulu2.Tests.Golden;

/// <summary>Token ids and loss masks of the committed dialogues, by a committed tokenizer: no reference data is needed.</summary>
public class GoldenTokenTests
{
    private const string Model = "tokenizer.model";

    private static readonly string[] Folder = ["tests", "Tulu2.Tests", "Golden"];

    private static readonly List<MessageRow> Rows = [.. RowReader.ReadMessages(Checkout.Path([.. Folder, "dialogues.jsonl"])).Select(result => result.Row!)];

    // What tokenizers stumble over: runs of spaces, line ends, tabs, digits, several scripts, emoji, characters that no piece has, end tokens as text.
    private static readonly string[] Texts =
    [
        "", " ", "Sum 12 and 30.", "  two  spaces ", "a\n\nb\tc", "1234567890", "naïve Größe", "привет, мир", "日本語", "🦙👩‍👩‍👧", "e\u0301 é",
        "<|user|>\nHi\n<|assistant|>\n", "</s> is text here", "aaaaaaaa", "x=1;y==2", "The answer is 42.", "\u2581low",
    ];

    [Fact]
    public void The_trainer_learns_the_same_tokenizer_from_the_same_rows()
    {
        using var folder = new Data.TemporaryFolder();
        var texts = Rows.SelectMany(row => row.Messages).Select(message => message.Content);
        SentencePieceTrainer.Train(texts, new SentencePieceTrainerOptions { VocabularySize = 360 }).Write(folder.Root);
        GoldenFile.Check(File.ReadAllBytes(folder.File(Model)), [.. Folder, Model]);
    }

    [Fact]
    public void Texts_have_their_ids_and_come_back_from_them()
    {
        var tokenizer = Tokenizer();
        GoldenFile.Check(GoldenFile.Lines(Texts.Select(text => new
        {
            Text = text,
            Start = Ids(tokenizer.EncodeText(text, boundary: true)),
            Middle = Ids(tokenizer.EncodeText(text, boundary: false)),
        })), [.. Folder, "ids.jsonl"]);
        // The sign that stands for a space in the pieces becomes one.
        foreach (var text in Texts) Assert.Equal(text.Replace('\u2581', ' '), tokenizer.Decode(tokenizer.EncodeText(text, boundary: true)));
    }

    [Fact]
    public void Dialogues_have_their_ids_and_scored_spans_in_both_forms_and_by_both_rules()
    {
        var tokenizer = ChatTokenizer.Of(Tokenizer());
        ChatEncoder today = new(tokenizer, ChatForm.Default, 96), legacy = new(tokenizer, ChatForm.Legacy, 96);
        GoldenFile.Check(GoldenFile.Lines(Rows.Take(12).Select(row => new
        {
            row.Id,
            Ids = Ids(today.EncodeDialogue(row.Messages).Ids),
            Scored = Spans(today.EncodeDialogue(row.Messages)),
            ScoredLast = Spans(today.EncodeDialogue(row.Messages, LossRule.LastAssistantTurn)),
            today.EncodeDialogue(row.Messages).UntruncatedLength,
            LegacyIds = Ids(legacy.EncodeDialogue(row.Messages).Ids),
            LegacyScored = Spans(legacy.EncodeDialogue(row.Messages)),
        })), [.. Folder, "chat.jsonl"]);
    }

    private static string Spans(EncodedSequence encoded) => string.Join(' ', encoded.Spans.Select(span => $"{span.Begin}..{span.End}"));

    private static SentencePieceBpeTokenizer Tokenizer() => SentencePieceBpeTokenizer.Load(Checkout.Path([.. Folder, Model]));

    private static string Ids(IEnumerable<int> ids) => string.Join(' ', ids);
}
