using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Data.Tokenizers;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Splitting;

namespace Tulu2.Mixtures.Converters;

/// <summary>
/// ShareGPT's conversations (docs/reference/tulu2.md, sources). With the options <c>max_tokens</c> and <c>tokenizer</c> long ones are split; without them a
/// conversation is a row, as of files that are split already.
/// </summary>
internal sealed class ShareGptConverter : IMixtureConverter
{
    private const string Most = "max_tokens", Tokenizer = "tokenizer";

    public string Name => "sharegpt";

    public IReadOnlyList<string> Keys => ["id", SpokenTurns.Key];

    public IRecordConversion Begin(ConversionSetup setup)
    {
        var (most, path) = (setup.Options.Whole(Most, least: 16), setup.Options.Text(Tokenizer));
        if (most is null && path is null) return new ShareGptConversion(setup, null);
        if (most is null) throw setup.Options.Fault(Tokenizer, $"has no effect without {Most}", $"add `{Most}: 4096`, or remove the tokenizer");
        if (path is null)
            throw setup.Options.Fault(Most, "wants a tokenizer that counts the tokens", $"add `{Tokenizer}: DIR`, a directory with Llama-2's tokenizer");
        var full = setup.FullPath(path);
        if (!Path.Exists(full))
            throw setup.Options.Fault(Tokenizer, $"there is no {full}", "give the path of a directory with Llama-2's tokenizer.model or tokenizer.json");
        return new ShareGptConversion(setup, new SpokenSplit(most.Value, new TurnCosts(SentencePieceBpeTokenizer.Load(full)), setup.Mode));
    }

    private sealed class ShareGptConversion(ConversionSetup setup, SpokenSplit? split) : IRecordConversion
    {
        public IEnumerable<string> ContentKeys => split is null ? [] : [split.Costs.ContentKey];

        public void Convert(JsonElement record, RecordContext context, RecordOutput output)
        {
            if (!RecordFields.Label(record, "id", output, out var id) || !SpokenTurns.Read(record, output, out var turns)) return;
            if (split is null)
            {
                Add(id, turns, output);
                return;
            }
            foreach (var (start, part) in split.Of(turns, output)) Add($"{id}_{start}", part, output);
        }

        private void Add(string id, IReadOnlyList<SpokenTurn> turns, RecordOutput output)
        {
            var messages = new List<Message>(turns.Count);
            foreach (var (sender, text) in turns)
            {
                if (Role(sender) is not { } role)
                {
                    var known = sender is "system" or "bing" ? ", which the original leaves out with its whole row" : "";
                    output.Reject($"id {id}: a turn from '{sender}'{known}");
                    return;
                }
                messages.Add(new Message(role, text));
            }
            if (messages.Count == 0) output.Reject($"id {id}: there are no turns");
            else output.Add(setup.Source, $"{setup.Source}_{id}", messages);
        }

        private static string? Role(string sender) => sender switch
        {
            "human" or "user" => Message.User,
            "gpt" or "chatgpt" => Message.Assistant,
            _ => null,
        };
    }
}
