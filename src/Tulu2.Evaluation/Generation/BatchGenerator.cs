using Tulu2.Files;

namespace Tulu2.Evaluation.Generation;

/// <summary>
/// Generates answers to many prompts in batches, longest prompts first; a row is removed from its batch when its answer ends. The result of a request depends
/// only on its own prompt, options and seed, not on the other rows of the batch.
/// </summary>
internal sealed class BatchGenerator(IDecoder decoder, IReadOnlySet<int> endIds, Func<IAnswerText> newText, int maxBatch)
{
    /// <returns>In the order of the requests.</returns>
    public IReadOnlyList<GenerationResult> Run(IReadOnlyList<GenerationRequest> requests, CancellationToken cancellation)
    {
        var running = requests.Select(Start).ToList();
        // Prompts of similar length share a batch, to waste less work on padding; the index breaks ties, so the order is unique.
        foreach (var batch in running.Select((r, i) => (r, i)).OrderByDescending(p => p.r.PromptIds.Length).ThenBy(p => p.i).Select(p => p.r).Chunk(maxBatch))
            RunBatch(batch, cancellation);
        return [.. running.Select(r => r.Result!)];
    }

    private RunningRequest Start(GenerationRequest request)
    {
        request.Options.Validate();
        var room = decoder.ContextLength - request.PromptIds.Length;
        if (room < 1)
            throw new BadInputException("prompt", $"has {request.PromptIds.Length} tokens, but the model's context holds {decoder.ContextLength} (max_position_embeddings), answer included",
                "shorten the prompt or the dialogue");
        if (request.PromptIds.Length == 0) throw new BadInputException("prompt", "is empty", "give some text to continue");
        if (Array.Find(request.PromptIds, id => id >= decoder.VocabularySize) is > 0 and var unknown)
            throw new BadInputException("prompt", $"has the id {unknown}, but the model has only {decoder.VocabularySize} ids: its tokenizer has more", "remove the special token with this id");
        return new RunningRequest(request, Math.Min(request.Options.MaxTokens ?? room, room), endIds, newText());
    }

    private void RunBatch(RunningRequest[] batch, CancellationToken cancellation)
    {
        using var decoding = decoder.Begin(batch.Length, batch.Max(r => r.MostTokens));
        var rows = batch;
        var logits = decoding.Prefill([.. rows.Select(r => r.PromptIds)]);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var chosen = new int?[rows.Length];
            for (var row = 0; row < rows.Length; row++) chosen[row] = rows[row].Accept(logits.Span.Slice(row * decoder.VocabularySize, decoder.UsedVocabulary));
            int[] kept = [.. Enumerable.Range(0, rows.Length).Where(row => chosen[row] is not null)];
            if (kept.Length == 0) return;
            if (kept.Length < rows.Length)
            {
                decoding.Keep(kept);
                rows = [.. kept.Select(row => rows[row])];
            }
            logits = decoding.Step([.. kept.Select(row => chosen[row]!.Value)]);
        }
    }
}
