using Tulu2.Data.Tokenizers;

namespace Tulu2.Tests.Data.Tokenizers;

/// <summary>The reference tokenizers, read once: tests only read them.</summary>
internal static class Tokenizers
{
    private static readonly Lazy<SentencePieceBpeTokenizer> LlamaModelFile = new(() => Load("llama2_tokenizer", "tokenizer.model"));
    private static readonly Lazy<SentencePieceBpeTokenizer> LlamaJsonFile = new(() => Load("llama2_tokenizer", "tokenizer.json"));
    private static readonly Lazy<SentencePieceBpeTokenizer> StoriesFile = new(() => Load("tinystories656K_hf", "tokenizer.json"));

    internal static SentencePieceBpeTokenizer Llama(string kind)
    {
        ReferenceData.Require("llama2_tokenizer", kind);
        return kind == "tokenizer.model" ? LlamaModelFile.Value : LlamaJsonFile.Value;
    }

    internal static SentencePieceBpeTokenizer Stories()
    {
        ReferenceData.Require("tinystories656K_hf", "tokenizer.json");
        return StoriesFile.Value;
    }

    private static SentencePieceBpeTokenizer Load(params string[] parts) => SentencePieceBpeTokenizer.Load(ReferenceData.Path(parts));
}
