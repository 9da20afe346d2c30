using Tulu2.Models.Inference;

namespace Tulu2.Evaluation.Generation;

/// <summary>Computes tokens of sequences whose keys and values are in pages; separates the engine from the model. For one thread at a time.</summary>
/// <remarks><see cref="Run"/> and <see cref="Logits"/> may throw <see cref="ModelLostException"/>.</remarks>
internal interface IEngineModel : IDisposable
{
    int VocabularySize { get; }

    /// <summary>Only ids below this may be generated.</summary>
    int UsedVocabulary { get; }

    /// <summary>Maximum number of tokens of prompt and answer together.</summary>
    int ContextLength { get; }

    /// <summary>Number of pages.</summary>
    int Pages { get; }

    /// <summary>Tokens of a page.</summary>
    int PageTokens { get; }

    /// <summary>Ends what waits for other processes. From any thread.</summary>
    void Stop();

    /// <summary>Computes new tokens.</summary>
    void Run(IReadOnlyList<SequencePart> parts);

    /// <summary>Logits after some of the last run's rows.</summary>
    /// <param name="rows">Numbered through all parts.</param>
    /// <param name="logits">[rows, <see cref="VocabularySize"/>].</param>
    void Logits(ReadOnlySpan<int> rows, Span<float> logits);
}

/// <summary>A process that held a part of the model is gone. The next run starts another one in its place, with empty pages.</summary>
public sealed class ModelLostException(string what, Exception cause) : Exception(what, cause);

/// <summary>Decodes the ids of one answer to text, in whole characters.</summary>
internal interface IAnswerText
{
    string Add(int id);
    string Flush();
}
