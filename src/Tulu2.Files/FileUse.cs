namespace Tulu2.Files;

/// <summary>The purpose of a file, which decides what content is foreign in it.</summary>
public enum FileUse
{
    /// <summary>Training or evaluation rows: JSON Lines, JSON or Parquet, plain or gzip.</summary>
    Rows,

    /// <summary>Weights in safetensors.</summary>
    Safetensors,

    /// <summary>Weights as <c>torch.save</c> writes them: a zip archive with a pickle in it.</summary>
    TorchWeights,

    /// <summary><c>tokenizer.model</c> of SentencePiece.</summary>
    SentencePiece,

    /// <summary>A JSON file of a model: <c>config.json</c>, <c>tokenizer.json</c>, an index.</summary>
    Json,

    /// <summary>A recipe.</summary>
    Yaml,
}
