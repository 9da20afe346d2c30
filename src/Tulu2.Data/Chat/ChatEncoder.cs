using System.Collections.Concurrent;
using Tulu2.Data.Rows;

namespace Tulu2.Data.Chat;

/// <summary>
/// The chat template (docs/reference/tulu2.md) as token ids. Ids are built turn by turn and the scored spans are marked while building: a tag line,
/// and a turn's content with its closing newline, are each tokenised separately, so that no token crosses the edge of the loss mask.
/// Safe to call from several threads when its tokenizer is.
/// </summary>
public sealed class ChatEncoder
{
    /// <summary>Part of the key of every token store: changes whenever the same dialogue would give other ids or spans.</summary>
    public const string TemplateVersion = "tulu2-chat-2";

    private readonly ChatTokenizer tokenizer;
    private readonly ChatForm form;
    private readonly ConcurrentDictionary<(string Text, bool Boundary), int[]> fixedTexts = new();

    /// <param name="maxLength">Longest sequence in tokens; the rest is cut off on the right.</param>
    public ChatEncoder(ChatTokenizer tokenizer, ChatForm form, int maxLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        (this.tokenizer, this.form, MaxLength) = (tokenizer, form, maxLength);
    }

    public int MaxLength { get; }

    /// <summary>Everything besides the dialogue that ids and spans depend on: tokenizer, template, form and maximum length.</summary>
    public string ContentKey => string.Join('\n', tokenizer.ContentKey, TemplateVersion, form, MaxLength);

    /// <summary>A whole dialogue for training. It ends with the end token if its last turn is the assistant's.</summary>
    public EncodedSequence EncodeDialogue(IReadOnlyList<Message> messages, LossRule rule = LossRule.AssistantTurns)
    {
        var builder = new Builder(this);
        var lastAssistant = messages.Count - 1;
        while (lastAssistant >= 0 && messages[lastAssistant].Role != Message.Assistant) lastAssistant--;
        var before = true;
        for (var turn = 0; turn < messages.Count; turn++)
        {
            var scored = messages[turn].IsAnswer && (rule == LossRule.AssistantTurns || turn == lastAssistant);
            // A tag line is masked by the unlearnt turn before it; without one it is scored too (docs/reference/tulu2.md, chat template.2).
            var tagScored = scored && rule == LossRule.AssistantTurns && before;
            PutTurn(builder, messages[turn], turn == messages.Count - 1, scored, tagScored, newlineScored: rule == LossRule.AssistantTurns);
            before = scored;
        }
        return builder.Finish(MaxLength);
    }

    /// <summary>A prompt for generation: all turns, then the assistant's tag line. Not cut to the maximum length.</summary>
    /// <param name="keepSpace">White space at the ends of turns of the system and the user is kept, as open-instruct's evaluations keep it; training strips it.</param>
    public int[] EncodePrompt(IReadOnlyList<Message> messages, bool keepSpace = false)
    {
        var builder = new Builder(this);
        foreach (var message in messages)
        {
            if (keepSpace && message.Role != Message.Assistant)
            {
                builder.PutFixed(Tag(message.Role), scored: false);
                builder.PutText(message.Content + "\n", scored: false);
            }
            else PutTurn(builder, message, isLast: false, scored: false, tagScored: false, newlineScored: false);
        }
        builder.PutFixed(Tag(Message.Assistant), scored: false);
        return builder.Finish(int.MaxValue).Ids;
    }

    private static void PutTurn(Builder builder, Message message, bool isLast, bool scored, bool tagScored, bool newlineScored)
    {
        var content = TurnText.Strip(message.Content);
        if (message.Role == Message.Assistant)
        {
            builder.PutFixed(Tag(message.Role), tagScored);
            builder.PutText(content, scored);
            builder.PutEnd(scored);
            if (!isLast) builder.PutFixed("\n", scored && newlineScored);
            return;
        }
        // The rendered text is stripped as a whole: a dialogue that ends with a turn of the system or the user loses its final newlines.
        if (isLast && content.Length == 0)
        {
            builder.PutFixed(Tag(message.Role).TrimEnd('\n'), scored: false);
            return;
        }
        builder.PutFixed(Tag(message.Role), scored: false);
        builder.PutText(isLast ? content : content + "\n", scored: false);
    }

    private static string Tag(string role) => $"<|{role}|>\n";

    private int[] EncodeFixed(string text, bool boundary) =>
        fixedTexts.GetOrAdd((text, boundary), static (key, encode) => encode(key.Text, key.Boundary), tokenizer.Encode);

    private sealed class Builder
    {
        private readonly ChatEncoder encoder;
        private readonly List<int> ids = new(256);
        private readonly List<LossSpan> spans = [];
        private int firstAnswer = int.MaxValue;
        private bool boundary = true;

        public Builder(ChatEncoder encoder)
        {
            this.encoder = encoder;
            ids.Add(encoder.tokenizer.BeginningId);
        }

        public void PutText(string text, bool scored)
        {
            if (text.Length == 0) return;
            if (scored) firstAnswer = Math.Min(firstAnswer, ids.Count);
            Put(encoder.tokenizer.Encode(text, boundary), scored);
            boundary = false;
        }

        public void PutFixed(string text, bool scored)
        {
            Put(encoder.EncodeFixed(text, boundary), scored);
            boundary = false;
        }

        public void PutEnd(bool scored)
        {
            Put([encoder.tokenizer.EndId], scored);
            boundary = encoder.form == ChatForm.Legacy;
        }

        public EncodedSequence Finish(int maxLength)
        {
            var length = Math.Min(ids.Count, maxLength);
            var kept = new List<LossSpan>(spans.Count);
            foreach (var span in spans)
                if (span.Begin < length) kept.Add(span with { End = Math.Min(span.End, length) });
            return new EncodedSequence([.. ids.Take(length)], [.. kept], length < ids.Count, ids.Count) { HasAnswer = firstAnswer < length };
        }

        private void Put(ReadOnlySpan<int> more, bool scored)
        {
            var begin = ids.Count;
            ids.AddRange(more);
            if (!scored || more.IsEmpty) return;
            if (spans.Count > 0 && spans[^1].End == begin) spans[^1] = spans[^1] with { End = ids.Count };
            else spans.Add(new LossSpan(begin, ids.Count));
        }
    }
}
