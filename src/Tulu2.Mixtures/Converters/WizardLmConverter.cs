using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Mixtures.Conversion;

namespace Tulu2.Mixtures.Converters;

/// <summary>WizardLM Evol-Instruct V2: <c>idx</c> and pairs of turns from human and gpt; anything else is no row, as the original demands it.</summary>
internal sealed class WizardLmConverter : IMixtureConverter
{
    public string Name => "wizardlm";

    public IReadOnlyList<string> Keys => ["idx", SpokenTurns.Key];

    public IRecordConversion Begin(ConversionSetup setup) => new WizardLmConversion(setup);

    private sealed class WizardLmConversion(ConversionSetup setup) : IRecordConversion
    {
        public void Convert(JsonElement record, RecordContext context, RecordOutput output)
        {
            if (!RecordFields.Label(record, "idx", output, out var id) || !SpokenTurns.Read(record, output, out var turns)) return;
            if (turns.Count == 0 || turns.Count % 2 != 0 || turns.Where((turn, at) => turn.Sender != (at % 2 == 0 ? "human" : "gpt")).Any())
            {
                output.Reject("human and gpt do not take turns in pairs");
                return;
            }
            output.Add(setup.Source, $"{setup.Source}_{id}",
                [.. turns.Select((turn, at) => new Message(at % 2 == 0 ? Message.User : Message.Assistant, turn.Text))]);
        }
    }
}
