using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Data.Tokenizers;
using Tulu2.Data.Tokenizers.Learning;
using Xunit;

namespace Tulu2.Tests.Data.Tokenizers;

public sealed class DecodingTests
{
    private static readonly SentencePieceBpeTokenizer Small =
        SentencePieceTrainer.Train(Corpus.Texts(300, seed: 5), new() { VocabularySize = 600, CharacterCoverage = 0.99 }).Tokenizer;

    /// <summary>Strings of valid Unicode in which spaces, emoji, CJK, and tags are frequent. U+2581 is left out: it is how a space is written.</summary>
    private static readonly Arbitrary<string> Texts =
        (from parts in Gen.Elements(
                " ", "  ", "\n", "a", "the", "é", "e\u0301", "世", "🦙", "👩‍👩‍👧", "</s>", "<0x41>", "<|user|>\n", "\u0000", "1", "\uFFFD", "\U0010FFFF")
            .Or(ArbMap.Default.GeneratorFor<char>().Where(one => !char.IsSurrogate(one) && one != '\u2581').Select(one => one.ToString()))
            .ListOf()
         select string.Concat(parts)).ToArbitrary();

    private static readonly Arbitrary<int[]> Ids = Gen.Choose(-1, 605).Or(Gen.Choose(3, 258)).ArrayOf().ToArbitrary();

    [Property(MaxTest = 300)]
    public Property A_text_comes_back_whole_with_and_without_its_boundary() => Prop.ForAll(Texts, text =>
    {
        Assert.Equal(text, Small.Decode(Small.EncodeText(text, boundary: true)));
        Assert.Equal(text, Small.Decode(Small.EncodeText(text, boundary: false), stripBoundary: false));
        Assert.DoesNotContain(Small.EndId, Small.EncodeText(text, boundary: true));
    });

    [Property(MaxTest = 500)]
    public Property Streamed_parts_join_to_the_decoded_text_and_never_cut_a_character() => Prop.ForAll(Ids, ids =>
    {
        foreach (var (strip, special) in ((bool, bool)[])[(true, false), (false, true)])
        {
            var decoder = new StreamingDecoder(Small, strip, special);
            var parts = ids.Select(decoder.Add).ToList();
            parts.Add(decoder.Flush());
            Assert.Equal(Small.Decode(ids, strip, special), string.Concat(parts));
            Assert.All(parts, part => Assert.Equal(part, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(part))));
            Assert.False(decoder.IsPending);
        }
    });

    [Property(MaxTest = 300)]
    public Property Decoding_into_a_span_goes_on_where_it_stopped() => Prop.ForAll(Ids, Gen.Choose(0, 9).ToArbitrary(), (ids, room) =>
    {
        var destination = new char[room];
        var status = Small.Decode(ids, destination, out var used, out var written);
        Assert.Equal(status == System.Buffers.OperationStatus.Done, used == ids.Length && Small.Decode(ids).Length <= room);
        var atStart = ids[..used].All(id => Small.Decode([id], stripBoundary: false).Length == 0);
        Assert.Equal(Small.Decode(ids), new string(destination, 0, written) + Small.Decode(ids[used..], stripBoundary: atStart));
    });

    [Property(MaxTest = 300)]
    public Property Offsets_of_tokens_cover_the_normalized_text_and_counts_agree() => Prop.ForAll(Texts, Gen.Choose(1, 12).ToArbitrary(), (text, most) =>
    {
        var tokens = Small.EncodeToTokens(text, out var normalized);
        Assert.Equal(Small.EncodeText(text, boundary: true), tokens.Select(token => token.Id));
        Assert.Equal(tokens.Count, Small.CountTokens(text));
        var end = 0;
        foreach (var token in tokens)
        {
            Assert.True(token.Offset.Start.Value <= end && token.Offset.End.Value >= end);
            end = token.Offset.End.Value;
        }
        Assert.Equal(normalized?.Length ?? 0, end);

        var first = Small.GetIndexByTokenCount(text, most, out _, out var taken);
        Assert.Equal(taken, Small.CountTokens((normalized ?? "")[..first], considerNormalization: false));
        Assert.InRange(taken, 0, most);
        Assert.Equal(taken, Small.EncodeToIds(text, most, out _, out var consumed).Count);
        Assert.Equal(first, consumed);
        var last = Small.GetIndexByTokenCountFromEnd(text, most, out _, out var kept);
        Assert.InRange(kept, 0, most);
        Assert.Equal(tokens.Count - kept, tokens.Count(token => token.Offset.Start.Value < last));
    });

    [Fact]
    public void The_boundary_is_stripped_once_and_only_at_the_start()
    {
        var ids = Small.EncodeText("the story", boundary: true);
        Assert.Equal("the story", Small.Decode([Small.BeginningId, .. ids, Small.EndId]));
        Assert.Equal(" the story", Small.Decode(ids, stripBoundary: false));
        Assert.Equal("<s> the story</s>", Small.Decode([1, .. ids, 2], stripBoundary: true, keepSpecial: true));
        Assert.Equal("the story the story", Small.Decode([.. ids, .. ids]));
    }

    [Fact]
    public void Bytes_that_are_no_character_become_the_replacement_character()
    {
        int Byte(int value) => 3 + value;
        Assert.Equal("\uFFFDa", Small.Decode([Byte(0xF0), Byte(0x9F), Small.IdOf("a")!.Value]));
        Assert.Equal("\uFFFD", Small.Decode([Byte(0x80)]));
        var decoder = new StreamingDecoder(Small);
        Assert.Equal(["", "", "", "🦙"], new[] { 0xF0, 0x9F, 0xA6, 0x99 }.Select(value => decoder.Add(Byte(value))));
        Assert.Equal("", decoder.Add(Byte(0xE2)));
        Assert.True(decoder.IsPending);
        Assert.Equal("\uFFFD", decoder.Flush());
    }

    [SkippableTheory]
    [InlineData("tokenizer.model")]
    [InlineData("tokenizer.json")]
    public void The_reference_strings_come_back_from_the_llama_ids(string kind)
    {
        var tokenizer = Tokenizers.Llama(kind);
        foreach (var line in File.ReadLines(ReferenceData.Require("reference_sft", "tokenizer_goldens.jsonl")))
        {
            using var golden = System.Text.Json.JsonDocument.Parse(line);
            var text = golden.RootElement.GetProperty("text").GetString()!;
            Assert.Equal(text.Replace('\u2581', ' '), tokenizer.Decode(tokenizer.EncodeText(text, boundary: true)));
        }
    }
}
