using Tulu2.Data.Rows;

namespace Tulu2.Mixtures.Conversion;

/// <summary>What a converter makes of one record: rows, or a reason why there are none, and the original's slips that it met.</summary>
internal sealed class RecordOutput
{
    private readonly Dictionary<string, int> _slips = [];

    public List<ConvertedRow> Rows { get; } = [];

    /// <summary>Why the record, or a part of it, gives no row.</summary>
    public List<string> Rejected { get; } = [];

    /// <summary>Slip to how often it was met, in either mode.</summary>
    public IReadOnlyDictionary<string, int> Slips => _slips;

    public void Add(string dataset, string id, params IReadOnlyList<Message> messages) => Rows.Add(new ConvertedRow(dataset, id, messages));

    public void Reject(string reason) => Rejected.Add(reason);

    public void Slip(string name, int times = 1)
    {
        if (times > 0) _slips[name] = _slips.GetValueOrDefault(name) + times;
    }

    public void Clear()
    {
        Rows.Clear();
        Rejected.Clear();
        _slips.Clear();
    }
}
