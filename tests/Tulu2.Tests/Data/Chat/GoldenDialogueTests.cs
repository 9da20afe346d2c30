using System.Text.Json;
using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Tokenizers;
using Xunit;

namespace Tulu2.Tests.Data.Chat;

/// <summary>Ids and masks of real dialogues against the independent reference, exactly.</summary>
public sealed class GoldenDialogueTests
{
    [SkippableTheory]
    [InlineData("tokenizer.model")]
    [InlineData("tokenizer.json")]
    public void Real_dialogues_have_the_reference_ids_and_spans_with_the_llama_tokenizer(string file)
    {
        var goldens = ReferenceData.Require("reference_sft", "chat_goldens_llama2.jsonl");
        var tokenizer = ChatTokenizer.Of(SentencePieceBpeTokenizer.Load(ReferenceData.Require("llama2_tokenizer", file)));
        var count = 0;
        foreach (var line in File.ReadLines(goldens))
        {
            using var golden = JsonDocument.Parse(line);
            var root = golden.RootElement;
            var messages = root.GetProperty("messages").EnumerateArray()
                .Select(turn => new Message(turn.GetProperty("role").GetString()!, turn.GetProperty("content").GetString()!)).ToList();
            var encoded = new ChatEncoder(tokenizer, ChatForm.Default, root.GetProperty("max_length").GetInt32()).EncodeDialogue(messages);
            Assert.Equal(Integers(root.GetProperty("input_ids")), encoded.Ids);
            Assert.Equal(
                root.GetProperty("loss_spans_open_instruct").EnumerateArray().Select(span => new LossSpan(span[0].GetInt32(), span[1].GetInt32())),
                encoded.Spans);
            count++;
        }
        Assert.Equal(20, count);
    }

    [SkippableFact]
    public void The_rows_of_the_reference_run_have_its_ids_and_labels()
    {
        var rows = RowReader.ReadMessages(ReferenceData.Require("reference_sft", "sft_rows.jsonl")).Select(result => result.Row!).ToList();
        var goldens = File.ReadLines(ReferenceData.Require("reference_sft", "sft_tokens.jsonl")).ToList();
        var tokenizer = ChatTokenizer.Of(SentencePieceBpeTokenizer.Load(ReferenceData.Require("tinystories656K_hf")));
        var encoder = new ChatEncoder(tokenizer, ChatForm.Default, 256);
        var (tokens, lossTokens) = (0, 0);
        foreach (var (row, line) in rows.Zip(goldens))
        {
            using var golden = JsonDocument.Parse(line);
            var encoded = encoder.EncodeDialogue(row.Messages);
            Assert.Equal(Integers(golden.RootElement.GetProperty("input_ids")), encoded.Ids);
            Assert.Equal(golden.RootElement.GetProperty("length_untruncated").GetInt32(), encoded.UntruncatedLength);
            var labels = Enumerable.Repeat(-100, encoded.Ids.Length).ToArray();
            foreach (var span in encoded.Spans) encoded.Ids.AsSpan(span.Begin..span.End).CopyTo(labels.AsSpan(span.Begin));
            Assert.Equal(Integers(golden.RootElement.GetProperty("labels_open_instruct")), labels);
            tokens += encoded.Ids.Length;
            lossTokens += encoded.LossTokens;
        }
        Assert.Equal((24, 4245, 2410), (rows.Count, tokens, lossTokens));
    }

    [SkippableTheory]
    [InlineData(ChatForm.Default)]
    [InlineData(ChatForm.Legacy)]
    public void The_example_of_the_spec_comes_out_of_the_real_tokenizer(ChatForm form)
    {
        var tokenizer = ChatTokenizer.Of(SentencePieceBpeTokenizer.Load(ReferenceData.Require("llama2_tokenizer", "tokenizer.model")));
        var encoded = new ChatEncoder(tokenizer, form, 8192).EncodeDialogue(
            [new("user", "Hi there"), new("assistant", "Hello!"), new("user", "Bye"), new("assistant", "Ciao")]);
        int[] lone = form == ChatForm.Legacy ? [29871] : [];
        Assert.Equal(
            [
                1, 529, 29989, 1792, 29989, 29958, 13, 18567, 727, 13, 29966, 29989, 465, 22137, 29989, 29958, 13, 10994, 29991, 2, .. lone,
                13, 29966, 29989, 1792, 29989, 29958, 13, 2059, 29872, 13, 29966, 29989, 465, 22137, 29989, 29958, 13, 29907, 29653, 2,
            ],
            encoded.Ids);
        Assert.Equal([10994, 29991, 2, .. lone, 13, 29907, 29653, 2], encoded.Spans.SelectMany(span => encoded.Ids[span.Begin..span.End]));
    }

    /// <summary>The oracle (docs/reference/tulu2.md, scored tokens of SFT): masks by the lengths of tokenised prefixes, which is exact with this tokenizer.</summary>
    [SkippableFact]
    public void Spans_agree_with_the_prefix_method_on_real_rows()
    {
        var tokenizer = ChatTokenizer.Of(SentencePieceBpeTokenizer.Load(ReferenceData.Require("llama2_tokenizer", "tokenizer.model")));
        var encoder = new ChatEncoder(tokenizer, ChatForm.Default, 2048);
        var rows = RowReader.ReadMessages(ReferenceData.Require("tulu_v2_mix_sample", "sample_debug.jsonl.gz")).Select(result => result.Row!).Take(120);
        foreach (var row in rows)
        {
            var encoded = encoder.EncodeDialogue(row.Messages);
            var masked = new bool[encoded.Ids.Length];
            for (var turn = 0; turn < row.Messages.Count; turn++)
            {
                if (row.Messages[turn].Role == Message.Assistant) continue;
                // A prefix that goes on (here: with one more turn) keeps its closing newline.
                var begin = turn == 0 ? 0 : PrefixLength(encoder, row.Messages, turn, withTag: false);
                var end = PrefixLength(encoder, row.Messages, turn + 1, turn + 1 < row.Messages.Count && row.Messages[turn + 1].Role == Message.Assistant);
                for (var position = begin; position < Math.Min(end, masked.Length); position++) masked[position] = true;
            }
            var scored = new bool[masked.Length];
            foreach (var span in encoded.Spans) scored.AsSpan(span.Begin..span.End).Fill(true);
            Assert.Equal(masked.Select(mask => !mask).Skip(1), scored.Skip(1));
        }
    }

    private static int PrefixLength(ChatEncoder encoder, IReadOnlyList<Message> messages, int turns, bool withTag)
    {
        var prompt = encoder.EncodePrompt([.. messages.Take(turns)]);
        return withTag ? prompt.Length : prompt.Length - 7;
    }

    private static int[] Integers(JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetInt32())];
}
