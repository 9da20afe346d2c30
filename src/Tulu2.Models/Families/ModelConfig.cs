namespace Tulu2.Models.Families;

/// <summary>
/// The shape of a decoder; each family derives its own record. Field names in comments are those of Hugging Face's <c>config.json</c>.
/// </summary>
public abstract record ModelConfig
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
    /// Ids that can occur, the first of the vocabulary: as many as the tokenizer has. Rows of embedding and head beyond them are never trained nor
    /// generated; they only count in the softmax. Absent: the whole vocabulary.
    /// </summary>
    public int UsedVocabulary { get => field == 0 ? VocabularySize : Math.Min(field, VocabularySize); init; }

    public int QueryWidth => Heads * HeadSize;
    public int KeyValueWidth => KeyValueHeads * HeadSize;

    /// <summary>Parameters of the model; a tied head counts once.</summary>
    public long ParameterCount => Family.Tensors(this).Sum(tensor => tensor.Length);

    // Not public: ToString prints public properties, and runs keep its text as a key of what they computed.
    internal abstract ModelFamily Family { get; }
}
