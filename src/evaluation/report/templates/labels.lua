-- Give every cell the heading of its column, so that a phone can show a row as a card.
function Table(t)
  local labels = {}
  for _, row in ipairs(t.head.rows) do
    for i, cell in ipairs(row.cells) do
      labels[i] = pandoc.utils.stringify(cell.contents)
    end
  end
  for _, body in ipairs(t.bodies) do
    for _, row in ipairs(body.body) do
      for i, cell in ipairs(row.cells) do
        cell.attributes["data-label"] = labels[i]
      end
    end
  end
  return t
end
