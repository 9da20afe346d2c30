namespace Tulu2.Models.Llama;

/// <summary>The shape of a Llama-family decoder; field names in comments are those of Hugging Face's <c>config.json</c>.</summary>
public sealed record LlamaConfig
{
    public required int HiddenSize { get; init; }
    public required int IntermediateSize { get; init; }
    public required int Layers { get; init; }                    // num_hidden_layers
    public required int Heads { get; init; }                     // num_attention_heads
    public required int KeyValueHeads { get; init; }             // num_key_value_heads
    public required int VocabularySize { get; init; }            // vocab_size
    public int HeadSize { get => field == 0 ? HiddenSize / Heads : field; init; } // head_dim; HiddenSize / Heads where absent
    public double RopeTheta { get; init; } = 10000;
    public double RmsNormEpsilon { get; init; } = 1e-5;
    public int MaxPositions { get; init; } = 4096;               // max_position_embeddings
    public bool TieEmbeddings { get; init; }                     // tie_word_embeddings
    public double InitializerRange { get; init; } = 0.02;
    public int BeginningId { get; init; } = 1;                   // bos_token_id
    public int EndId { get; init; } = 2;                         // eos_token_id

    /// <summary>
    /// Ids that can occur, the first of the vocabulary: as many as the tokenizer has. Rows of embedding and head beyond them are never trained nor generated; they
    /// only count in the softmax. Absent: the whole vocabulary.
    /// </summary>
    public int UsedVocabulary { get => field == 0 ? VocabularySize : Math.Min(field, VocabularySize); init; }

    public int QueryWidth => Heads * HeadSize;
    public int KeyValueWidth => KeyValueHeads * HeadSize;

    /// <summary>Parameters of the model; a tied head counts once.</summary>
    public long ParameterCount =>
        (TieEmbeddings ? 1L : 2L) * VocabularySize * HiddenSize
        + Layers * (2L * HiddenSize * QueryWidth + 2L * HiddenSize * KeyValueWidth + 3L * HiddenSize * IntermediateSize + 2L * HiddenSize)
        + HiddenSize;
}
