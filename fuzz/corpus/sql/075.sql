select ?, d ? 'k' from t where a = ?
