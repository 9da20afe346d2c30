using System.Text;
using Tulu2.Data.Tokenizers;
using Tulu2.Evaluation.Requests;

namespace Tulu2.Evaluation.Benchmarks.TydiQa;

/// <summary>Cuts passages to a number of tokens.</summary>
/// <param name="prompts">Null: nothing is cut.</param>
internal sealed class PassageCut(PromptEncoder? prompts, EvaluationMode mode)
{
    private const int MaxTokens = 512;

    public string Cut(string passage)
    {
        // A token has at least one byte.
        if (prompts is null || Encoding.UTF8.GetByteCount(passage) + 2 <= MaxTokens) return passage;
        var tokenizer = prompts.Tokenizer;
        int[] ids = [tokenizer.BeginningId, .. tokenizer.EncodeText(passage, boundary: true)];
        if (mode == EvaluationMode.Parity) return ids.Length > MaxTokens ? Original(tokenizer, ids[..MaxTokens]) : passage;
        // Whole characters only, and no beginning token.
        return ids.Length - 1 > MaxTokens ? tokenizer.Decode(ids[1..(MaxTokens + 1)], stripBoundary: true).TrimEnd('\uFFFD') : passage;
    }

    // Hugging Face's decode of all ids: the beginning token is spelled out, and the boundary after it is a space. Where a run of byte tokens is not UTF-8, which is where the cut
    // is within a character, each byte of the run becomes U+FFFD (tokenizers, ByteFallback).
    private static string Original(SentencePieceBpeTokenizer tokenizer, int[] ids)
    {
        var text = new StringBuilder();
        var run = new List<int>();
        foreach (var id in ids)
        {
            if (IsByte(tokenizer.PieceOf(id)))
            {
                run.Add(id);
                continue;
            }
            Flush();
            text.Append(tokenizer.Decode([id], stripBoundary: false, keepSpecial: true));
        }
        Flush();
        return text.ToString();

        void Flush()
        {
            var decoded = tokenizer.Decode(run, stripBoundary: false);
            text.Append(IsWhole(run, tokenizer) ? decoded : new string('\uFFFD', run.Count));
            run.Clear();
        }
    }

    private static bool IsWhole(List<int> run, SentencePieceBpeTokenizer tokenizer)
    {
        byte[] bytes = [.. run.Select(id => Convert.ToByte(tokenizer.PieceOf(id)[3..5], 16))];
        try
        {
            new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetCharCount(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    private static bool IsByte(string piece) => piece is ['<', '0', 'x', _, _, '>'];
}
