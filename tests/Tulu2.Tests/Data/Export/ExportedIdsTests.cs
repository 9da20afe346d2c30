using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Tokenizers;
using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Data.Tokenizers.Learning;
using Tulu2.Tests.Data.Tokenizers;
using Xunit;

namespace Tulu2.Tests.Data.Export;

/// <summary>Hugging Face's own library gets the ids that the model was trained on out of an exported tokenizer.json and a dialogue's text.</summary>
public sealed class ExportedIdsTests
{
    [SkippableTheory]
    [InlineData(ChatForm.Default)]
    [InlineData(ChatForm.Legacy)]
    public void Fifty_real_dialogues_of_several_turns_have_the_ids_of_training(ChatForm form)
    {
        var dialogues = RowReader.ReadMessages(ReferenceData.Require("tulu_v2_mix_sample", "sample_debug.jsonl.gz"))
            .Select(result => result.Row!.Messages).Where(turns => turns.Count(turn => turn.Role == Message.Assistant) > 1).Take(50).ToList();
        using var exported = new ExportedFiles(Llama(), form);
        Assert.Equal(50, dialogues.Count);
        AssertIds(exported, dialogues, form);
    }

    [Theory]
    [InlineData(ChatForm.Default)]
    [InlineData(ChatForm.Legacy)]
    public void So_have_dialogues_in_a_tokenizer_of_our_own(ChatForm form)
    {
        using var folder = new TemporaryFolder();
        using var exported = new ExportedFiles(Own(folder), form);
        var random = new Random(3);
        var texts = Corpus.Texts(300, seed: 4).Select(text => text.Replace("</s>", "")).Where(text => text.Trim().Length > 0).ToArray();
        var dialogues = texts.Chunk(6).Select(IReadOnlyList<Message> (turns) =>
        [
            .. random.Next(2) == 0 ? [new Message(Message.System, "Be brief.")] : Array.Empty<Message>(),
            .. turns.Select((text, turn) => new Message(turn % 2 == 0 ? Message.User : Message.Assistant, text)),
        ]).ToList();
        AssertIds(exported, dialogues, form);
    }

    [SkippableFact]
    public void What_is_exported_loads_to_the_ids_of_its_source()
    {
        foreach (var source in new[] { Llama(), SentencePieceBpeTokenizer.Load(ReferenceData.Require("tinystories656K_hf")) })
        {
            using var exported = new ExportedFiles(source);
            var loaded = SentencePieceBpeTokenizer.Load(exported.Root);
            foreach (var line in File.ReadLines(ReferenceData.Require("reference_sft", "tokenizer_goldens.jsonl")))
            {
                var text = (string)System.Text.Json.Nodes.JsonNode.Parse(line)!["text"]!;
                // Metaspace takes a space at the very start for the word boundary; dialogues start with a tag.
                foreach (var boundary in text.StartsWith(' ') || text.StartsWith('▁') ? new[] { false } : [false, true])
                    foreach (var parsing in new[] { SpecialTokenParsing.Never, SpecialTokenParsing.Literal })
                        Assert.Equal(source.EncodeText(text, boundary, parsing), loaded.EncodeText(text, boundary, parsing));
            }
        }
    }

    private static void AssertIds(ExportedFiles exported, IReadOnlyList<IReadOnlyList<Message>> dialogues, ChatForm form)
    {
        using var library = exported.Library();
        foreach (var dialogue in dialogues)
            foreach (var ids in new[] { exported.Ids(dialogue), exported.PromptIds(dialogue) })
            {
                var text = exported.Text(ids);
                Assert.Equal(ids, library.Encode(text).Select(id => (int)id));
                // It leaves special tokens out, and the legacy form's boundary after them in.
                if (form == ChatForm.Default) Assert.Equal(text.Replace("</s>", ""), library.Decode([.. ids.Select(id => (uint)id)]));
            }
    }

    private static SentencePieceBpeTokenizer Llama() => SentencePieceBpeTokenizer.Load(ReferenceData.Require("llama2_tokenizer"));

    private static SentencePieceBpeTokenizer Own(TemporaryFolder folder)
    {
        SentencePieceTrainer.Train(Corpus.Texts(200, seed: 6), new() { VocabularySize = 400 }).Write(folder.Root);
        return SentencePieceBpeTokenizer.Load(folder.Root);
    }
}
