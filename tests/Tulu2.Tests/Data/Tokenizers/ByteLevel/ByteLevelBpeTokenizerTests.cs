using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Tulu2.Data.Tokenizers;
using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Tokenizers.ByteLevel;

/// <summary>RoBERTa's tokenizer against Hugging Face's own library.</summary>
public sealed class ByteLevelBpeTokenizerTests : IDisposable
{
    private static readonly string[] Awkward =
    [
        "Hello world", "", " ", "  ", "   a", "a  b", "a   b  ", "\n", "\n\n", "a\n\nb", "a \n b", "a\n  b", "\t\tx", "it's we're they've I'll I'm he'd can't",
        "IT'S 'S ' s", "'sail",
        " 's", "x's", "''''s", "1234 12 123 a1b2", " 123", "½ ² ٣ Ⅷ", "é café CAFÉ", "e\u0301", "日本語の文章です。", "漢字 かな", "😀😀 😀", "👩‍👩‍👧", "𝒳𝒴 𝟙𝟚 x", "a𝒳b", "𐍈 𐍈𐍈",
        "!!! ?! (a) [b]", "a-b_c", "\u00A0x\u00A0\u00A0y", "x\u2003\u2003y", "x\u3000y", "\u200Bx", "\u0085x", "a\r\nb\r\n", "\0\u0001\u001F", "\u007F",
        "\uFEFFx", "\uFFFD",
        "aaaaaaaaaaaaaaaaa", "the the the", "  the", "<s>", "</s>", "a<s>b</s> c", "a <mask> b", "<mask>", "<pad><pad>", "<unk>", "< s>", "<s", "x</s",
        "- 1\\n- 2\\n-", "\u2028a\u2029",
        "لغة عربية", "हिन्दी भाषा", "ภาษาไทย", "\u1680x", "a'", "a '", "a 'S", "''", "'re're", "a'll'd",
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Ids_are_those_of_the_Rust_library(bool addsSpace, bool mergesAsPairs)
    {
        TinyByteLevel.WriteJson(_folder.Root, addsSpace, mergesAsPairs);
        var tokenizer = ByteLevelBpeTokenizer.Load(_folder.Root);
        using var library = new global::Tokenizers.DotNet.Tokenizer(_folder.File("tokenizer.json"));
        foreach (var text in Awkward)
            Assert.Equal(library.Encode(text).Select(id => (int)id), tokenizer.EncodeText(text, SpecialTokenParsing.Library));
    }

    [Fact]
    public void Any_text_has_the_ids_of_the_Rust_library()
    {
        TinyByteLevel.WriteJson(_folder.Root);
        var tokenizer = ByteLevelBpeTokenizer.Load(_folder.Root);
        using var library = new global::Tokenizers.DotNet.Tokenizer(_folder.File("tokenizer.json"));
        var part = Gen.OneOf(Gen.Elements(Awkward), Gen.Elements("the", "and", " ", "  ", "\n", "'s", "12", "a", "é", "😀", "!", "<s>", "\t"));
        Prop.ForAll(Gen.ArrayOf(part).Select(parts => string.Concat(parts)).ToArbitrary(), text =>
            Assert.Equal(library.Encode(text).Select(id => (int)id), tokenizer.EncodeText(text, SpecialTokenParsing.Library))).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Both_forms_of_files_give_the_same_ids()
    {
        using var pair = new TemporaryFolder();
        TinyByteLevel.WritePair(pair.Root);
        TinyByteLevel.WriteJson(_folder.Root);
        var (one, other) = (ByteLevelBpeTokenizer.Load(pair.Root), ByteLevelBpeTokenizer.Load(_folder.Root));
        foreach (var text in Awkward)
            foreach (var parsing in Enum.GetValues<SpecialTokenParsing>())
                Assert.Equal(one.EncodeText(text, parsing), other.EncodeText(text, parsing));
        Assert.Equal((0, 2, 1, TinyByteLevel.Size), (one.BeginningId, one.EndId, one.PadId!.Value, one.VocabularySize));
    }

    [Fact]
    public void A_sequence_is_the_text_between_its_special_tokens_and_loses_its_end()
    {
        TinyByteLevel.WritePair(_folder.Root);
        var tokenizer = ByteLevelBpeTokenizer.Load(_folder.Root);
        Assert.Equal([0, 2], tokenizer.EncodeSequence("", 512));
        var text = tokenizer.EncodeText("the 123 and");
        Assert.Equal([0, .. text, 2], tokenizer.EncodeSequence("the 123 and", 512));
        Assert.Equal([0, .. text, 2], tokenizer.EncodeSequence("the 123 and", text.Length + 2));
        Assert.Equal([0, .. text[..2], 2], tokenizer.EncodeSequence("the 123 and", 4));
        Assert.Equal([0, 2], tokenizer.EncodeSequence("the 123 and", 2));
    }

    [Fact]
    public void Ids_stand_for_their_text()
    {
        TinyByteLevel.WritePair(_folder.Root);
        var tokenizer = ByteLevelBpeTokenizer.Load(_folder.Root);
        foreach (var text in Awkward) Assert.Equal(text, tokenizer.Decode(tokenizer.EncodeText(text)));
        Assert.Equal("a\uFFFDb", tokenizer.Decode(tokenizer.EncodeText("a\uD800b")));
        Assert.Equal("the", tokenizer.Decode(tokenizer.EncodeSequence("the", 9)));
        Assert.Contains(TinyByteLevel.Mask, tokenizer.EncodeText("a <mask>", SpecialTokenParsing.Library));
        Assert.DoesNotContain(TinyByteLevel.Mask, tokenizer.EncodeText("a <mask>"));
    }

    [Theory]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"WordPiece\", \"vocab\": {}}}", "WordPiece")]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"BPE\", \"vocab\": {}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"Metaspace\"}}",
        "byte-level")]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": \"x\"}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"ByteLevel\"}}",
        "is not a tokenizer.json")]
    [InlineData("tokenizer.json", "{}", "is not a tokenizer.json")]
    [InlineData("merges.txt", "#version: 0.2\nĠ t\nq zz\n", "'q zz'")]
    [InlineData("vocab.json", "[1]", "is not a JSON object")]
    public void Files_that_cannot_be_used_are_named(string name, string content, string what)
    {
        TinyByteLevel.WritePair(_folder.Root);
        _folder.WriteBytes(name, Encoding.UTF8.GetBytes(content));
        var failure = Assert.Throws<BadInputException>(() => ByteLevelBpeTokenizer.Load(_folder.Root));
        Assert.Contains(name, failure.Where);
        Assert.Contains(what, failure.What);
    }

    [Fact]
    public void A_folder_without_a_tokenizer_is_named()
    {
        var failure = Assert.Throws<BadInputException>(() => ByteLevelBpeTokenizer.Load(_folder.Root));
        Assert.Equal(_folder.Root, failure.Where);
        Assert.Contains("vocab.json", failure.What);
    }
}
