"""Stance as data with error: coding sheets, agreement, adjudication, survey answers, proxies."""
