using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Selection;

namespace Tulu2.Mixtures.Converters;

/// <summary>OpenOrca: <c>id</c>, <c>system_prompt</c>, <c>question</c>, <c>response</c>. Chosen by a shuffle; the system turn may be empty.</summary>
internal sealed class OpenOrcaConverter : IMixtureConverter
{
    private const string EmptySystem = "system turn without content";

    public string Name => "open_orca";

    public IReadOnlyList<string> Keys => ["id", "system_prompt", "question", "response"];

    public IRecordConversion Begin(ConversionSetup setup) => new OpenOrcaConversion(setup);

    private sealed class OpenOrcaConversion(ConversionSetup setup) : IRecordConversion
    {
        public ISelectionRule Selection => new ShuffleRule();

        public void Convert(JsonElement record, RecordContext context, RecordOutput output)
        {
            if (!RecordFields.Label(record, "id", output, out var id) || !RecordFields.TextOrEmpty(record, "system_prompt", output, out var system)
                || !RecordFields.Text(record, "question", output, out var question) || !RecordFields.Text(record, "response", output, out var response))
                return;
            if (system == "") output.Slip(EmptySystem);
            IReadOnlyList<Message> first = system == "" && setup.Mode == MixtureMode.Fixed ? [] : [new Message(Message.System, system)];
            output.Add(setup.Source, $"{setup.Source}_{id}", [.. first, RecordFields.User(question), RecordFields.Assistant(response)]);
        }
    }
}
